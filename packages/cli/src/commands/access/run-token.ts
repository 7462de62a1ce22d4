// `access token`: prints the token of an application. The common case, a stored token that is
// valid, reads two files and loads nothing else: scripts call this in loops (docs/adr/0001).
import { headers } from "@postern/protocol/endpoints";
import { printableJson } from "@postern/protocol/printable";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { type Credential, refuseBareToken, storedCredential } from "../../sign-in/credential.ts";
import {
  type MachineCredential,
  onlyForPeople,
  readMachineCredential,
} from "../../sign-in/machine-credential.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Application } from "../../store/known-hosts.ts";
import type { StoredToken } from "../../store/token-store.ts";
import type { Invocation } from "../command.ts";
import { type CommandLine, onlyUrl } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { timeOf } from "./time-of.ts";

/** @returns the exit status */
export async function runToken(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const app = readAppUrl(onlyUrl(line, "token"));
  const formatName = line.value("format") ?? "";
  const format = readFormat(formatName);
  const machine = readMachineCredential(context, line);
  if (machine?.kind === "service_token")
    throw onlyForPeople(
      machine,
      "it is sent as it is, so there is no token to print; use it with: postern access curl",
    );

  // Before anything is asked for that kubectl would not take.
  const isForKubectl = formatName === "exec-credential";
  const mayPrompt = !isForKubectl || (await kubectlMayPrompt(context));
  if (machine !== undefined && isForKubectl)
    throw onlyForPeople(machine, "gateways take it in no Authorization; use another --format");

  const { application, stored } = await appToken(context, app, { line, machine, mayPrompt });
  const output = await format(stored, context, application);
  writeOutput(output);
  return 0;
}

interface AppToken {
  application: Application;
  stored: StoredToken;
}

interface TokenWishes {
  line: CommandLine;
  machine: MachineCredential | undefined;
  mayPrompt: boolean;
}

async function appToken(
  context: Context,
  app: AppUrl,
  { line, machine, mayPrompt }: TokenWishes,
): Promise<AppToken> {
  if (machine !== undefined) {
    const { workloadAppToken } = await import("../../sign-in/workload-app-token.ts");
    return workloadAppToken(context, app, machine);
  }
  const credential = storedCredential(context, app);
  const token = hasToken(credential) ? credential : await newToken(context, app, line, mayPrompt);
  refuseBareToken(app, token.application);
  return token;
}

function hasToken(credential: Credential | undefined): credential is AppToken {
  return credential?.stored !== undefined;
}

/** @throws {CliError} usage, where kubectl asks for what this program does not know */
async function kubectlMayPrompt({ environment }: Context): Promise<boolean> {
  const { readExecRequest } = await import("./exec-credential.ts");
  return readExecRequest(environment).isInteractive;
}

async function newToken(
  context: Context,
  app: AppUrl,
  line: CommandLine,
  mayAsk: boolean,
): Promise<AppToken> {
  const { signIn } = await import("../../sign-in/login-flow.ts");
  const { signInOptions } = await import("./sign-in-options.ts");
  const mayPrompt = mayAsk && context.onTerminal;
  return signIn(context, app, signInOptions(context, line, { mayPrompt, check: false }));
}

type Format = (
  stored: StoredToken,
  context: Context,
  application: Application,
) => string | Promise<string>;

/** `raw` is the bare token without a newline; the others are text for their readers. */
const formats: Record<string, Format> = {
  raw: ({ token }) => token,
  header: ({ token }) => `${headers.accessToken}: ${token}\n`,
  env: ({ token }) =>
    `export ACCESS_TOKEN='${token}'\nexport ACCESS_HEADER='${headers.accessToken}: ${token}'\n`,
  json: (stored) => `${printableJson(description(stored))}\n`,
  "exec-credential": async (stored, context, application) => {
    const { execCredential } = await import("./exec-credential.ts");
    return execCredential(stored, context, application);
  },
};

function description({ token, email, expires_at, app_hostname, team, aud }: StoredToken) {
  return {
    token,
    email,
    expires_at: timeOf(expires_at),
    application: app_hostname,
    team_domain: new URL(team).host,
    aud,
  };
}

function readFormat(name: string): Format {
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format !== undefined) return format;
  const names = Object.keys(formats).join(", ");
  throw new CliError("usage", `--format ${name.slice(0, 40)} is unknown; use one of ${names}`);
}
