// `access token`: prints the token of an application. The common case, a stored token that holds,
// reads two files and loads nothing else: scripts call this in loops (docs/adr/0001).

import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { printableJson } from "../../printable.ts";
import { readServiceToken } from "../../sign-in/service-token.ts";
import { writeOutput } from "../../standard-output.ts";
import { rememberedApplication } from "../../store/known-hosts.ts";
import { readAppToken, type StoredToken } from "../../store/token-store.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, loginFlags, onlyUrl, readCommandLine } from "../command-line.ts";

const flags = { values: ["app", "format"] } as const;

/** @returns the exit status */
export async function runToken(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags, loginFlags, flags);
  const context = contextOf(surroundings, line);
  const app = readAppUrl(onlyUrl(line, "token"));
  const format = readFormat(line.value("format") ?? "raw");
  if (readServiceToken(context, line) !== undefined) {
    throw new CliError(
      "usage",
      "a service token is sent as it is and has no token to print; use it with: postern access curl",
    );
  }
  const application = rememberedApplication(context, app);
  let stored = application?.login === true ? readAppToken(context, application) : undefined;
  if (stored === undefined) {
    const { signIn } = await import("../../sign-in/login-flow.ts");
    const { signInOptions } = await import("./sign-in-options.ts");
    ({ stored } = await signIn(
      context,
      app,
      signInOptions(context, line, { mayPrompt: context.onTerminal, check: false }),
    ));
  }
  writeOutput(format(stored, context));
  return 0;
}

type Format = (stored: StoredToken, context: Context) => string;

/** Only `raw` is a bare token without a newline; the others are text for their readers. */
const formats: Record<string, Format> = {
  raw: ({ token }) => token,
  header: ({ token }) => `cf-access-token: ${token}\n`,
  env: ({ token }) =>
    `export ACCESS_TOKEN='${token}'\nexport ACCESS_HEADER='cf-access-token: ${token}'\n`,
  json: ({ token, email, expires_at, app_hostname, team, aud }) =>
    `${printableJson({ token, email, expires_at: timeOf(expires_at), application: app_hostname, team_domain: new URL(team).host, aud })}\n`,
  "exec-credential": ({ token, expires_at }, { environment }) =>
    `${JSON.stringify({
      apiVersion: execCredentialVersion(environment["KUBERNETES_EXEC_INFO"]),
      kind: "ExecCredential",
      status: { token, expirationTimestamp: timeOf(expires_at) },
    })}\n`,
};

/** kubectl refuses an answer in another version than the one that it asks for. */
function execCredentialVersion(asked: string | undefined): string {
  const [version] = /client\.authentication\.k8s\.io\/v1(?:beta1)?(?=")/.exec(asked ?? "") ?? [];
  return version ?? "client.authentication.k8s.io/v1";
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

function readFormat(name: string): Format {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format !== undefined) return format;
  throw new CliError(
    "usage",
    `--format ${name.slice(0, 40)} is unknown; it is one of ${Object.keys(formats).join(", ")}`,
  );
}
