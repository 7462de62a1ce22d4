import { readAppUrl } from "../../app-url.ts";
import { CliError } from "../../exit-status.ts";
import { forget } from "../../store/known-hosts.ts";
import type { Invocation } from "../command.ts";
import { readInvocation } from "../invocation.ts";

/**
 * `access forget HOST`: lets a host name another team domain than the one remembered for it. The
 * tokens stay: they belong to the old team domain and go to no other.
 * @returns the exit status
 */
export async function runForget(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const [text, second] = line.rest;
  if (text === undefined || second !== undefined) {
    throw new CliError(
      "usage",
      "access forget takes one host, for example: postern access forget api.example.com",
    );
  }
  // Of a whole URL no more is shown: the rest may hold a password or a token.
  const { host } = readAppUrl(text);
  const origins = forget(context, host);
  if (origins.length === 0) throw new CliError("failure", `nothing is remembered for ${host}`);
  for (const origin of origins) context.tell(`Forgotten: the team domain of ${origin}`);
  return 0;
}
