// `access whoami`: the identity as the gateway sees it, not as the stored token says.
import { endpoints, headers } from "@postern/protocol";
import { printable, printableJson } from "@postern/protocol/printable";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { proofFields, proofRefusal } from "../../gateway-client/proof-of-possession.ts";
import { parseJsonObject } from "../../json-object.ts";
import { send } from "../../net/http-client.ts";
import type { HttpResponse } from "../../net/http-message.ts";
import type { SignInOptions } from "../../sign-in/attempt.ts";
import { applicationFor, credentialFor } from "../../sign-in/credential.ts";
import { notSignedIn } from "../../sign-in/login-flow.ts";
import { deniedMachine, refusedMachine } from "../../sign-in/machine-access.ts";
import { type MachineCredential, readMachineCredential } from "../../sign-in/machine-credential.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { onlyUrl } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { signInOptions } from "./sign-in-options.ts";

/** @returns the exit status */
export async function runWhoami(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const app = readAppUrl(onlyUrl(line, "whoami"));
  const machine = readMachineCredential(context, line);
  const readOptions = () =>
    signInOptions(context, line, { mayPrompt: context.onTerminal, check: false });
  const url = new URL(endpoints.getIdentity, app.origin);
  const fields = await credentialHeaders(context, app, machine, { url, readOptions });
  const response = await send(context, { method: "GET", url, headers: fields });
  const identity = readIdentity(app, machine, response);
  if (line.has("json")) {
    writeOutput(`${printableJson(identity)}\n`);
    return 0;
  }
  for (const text of describe(identity)) writeOutput(`${printable(text)}\n`);
  return 0;
}

async function credentialHeaders(
  context: Context,
  app: AppUrl,
  machine: MachineCredential | undefined,
  { url, readOptions }: { url: URL; readOptions: () => SignInOptions },
): Promise<Record<string, string>> {
  // It goes only to what proved to be behind Access.
  if (machine !== undefined) return machine.fieldsFor(await applicationFor(context, app));
  const { stored } = await credentialFor(context, app, readOptions);
  if (stored !== undefined) {
    const { team, token } = stored;
    const proof = proofFields(context, team, { method: "GET", url, token });
    return { [headers.accessToken]: token, ...proof };
  }
  throw new CliError(
    "not_behind_access",
    `policy lets everybody reach ${app.bare} without a sign-in, so there is no identity to show`,
  );
}

type Identity = Record<string, unknown>;

function readIdentity(
  app: AppUrl,
  machine: MachineCredential | undefined,
  response: HttpResponse,
): Identity {
  const refusal = refusalOf(app, machine, response);
  if (refusal !== undefined) throw refusal;

  const { status, body } = response;
  const identity = status === 200 ? parseJsonObject(body) : undefined;
  if (identity !== undefined) return identity;
  throw new CliError(
    "failure",
    `${app.origin} did not say who you are (status ${status}); try again later`,
  );
}

function refusalOf(
  app: AppUrl,
  machine: MachineCredential | undefined,
  response: HttpResponse,
): CliError | undefined {
  const { status } = response;
  const unproven = proofRefusal(response, app.bare);
  if (unproven !== undefined) return unproven;
  const isRefused = status === 401 || (status >= 300 && status < 400);
  if (isRefused)
    return machine === undefined ? notSignedIn(app) : refusedMachine(app, machine, response);
  if (status !== 403) return undefined;
  if (machine !== undefined) return deniedMachine(app, machine);
  return new CliError("refused_by_policy", `you may not reach ${app.bare}; ask its owner`);
}

/** The few lines that a person wants to know; `--json` has the rest. */
function describe(identity: Identity): string[] {
  const who = textOf(identity["email"]) ?? textOf(identity["common_name"]) ?? "(no email)";
  const provider = identity["idp"] as { type?: unknown } | undefined;
  const details = defined({
    name: textOf(identity["name"]),
    "service token": textOf(identity["service_token_id"]),
    provider: textOf(provider?.type),
    groups: groupsOf(identity["groups"]),
  });
  const names = Object.keys(details);
  const width = Math.max(8, ...names.map((name) => name.length));
  const lines = Object.entries(details).map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
  return [who, ...lines];
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function groupsOf(groups: unknown): string | undefined {
  if (!Array.isArray(groups) || groups.length === 0) return undefined;
  return groups.map(groupName).join(", ");
}

/** A provider may send objects instead of names. */
function groupName(group: unknown): string {
  return typeof group === "object" ? JSON.stringify(group) : String(group);
}
