import { readAppUrl } from "../../app-url.ts";
import { CliError } from "../../exit-status.ts";
import { printable } from "../../printable.ts";
import { forget } from "../../store/known-hosts.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, readCommandLine } from "../command-line.ts";

/**
 * `access forget <host>`: lets a host name another team domain than the one remembered for it. The
 * tokens stay: they are the old team domain's and go to no other.
 * @returns the exit status
 */
export async function runForget(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags);
  const [host, second] = line.rest;
  if (host === undefined || second !== undefined) {
    throw new CliError(
      "usage",
      "access forget takes one host, for example: postern access forget api.example.com",
    );
  }
  const context = contextOf(surroundings, line);
  const forgotten = forget(context, readAppUrl(host).host);
  if (forgotten.length === 0)
    throw new CliError("failure", `nothing is remembered for ${printable(host.slice(0, 200))}`);
  for (const origin of forgotten) context.say(`Forgotten: the team domain of ${origin}`);
  return 0;
}
