// `access whoami`: the identity as the gateway sees it, not as the stored token says.
import { endpoints, headers } from "@postern/protocol";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { parseJsonObject } from "../../json-object.ts";
import { send } from "../../net/http-client.ts";
import type { HttpResponse } from "../../net/http-message.ts";
import { printable, printableJson } from "../../printable.ts";
import type { SignInOptions } from "../../sign-in/attempt.ts";
import { applicationFor, credentialFor } from "../../sign-in/credential.ts";
import { notSignedIn } from "../../sign-in/login-flow.ts";
import { readServiceToken, type ServiceToken } from "../../sign-in/service-token.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { onlyUrl } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { serviceTokenOf } from "./service-token-flags.ts";
import { signInOptions } from "./sign-in-options.ts";

/** @returns the exit status */
export async function runWhoami(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const app = readAppUrl(onlyUrl(line, "whoami"));
  const service = readServiceToken(context, serviceTokenOf(line));
  const readOptions = () =>
    signInOptions(context, line, { mayPrompt: context.onTerminal, check: false });
  const response = await send(context, {
    method: "GET",
    url: new URL(endpoints.getIdentity, app.origin),
    headers: await credentialHeaders(context, app, service, readOptions),
  });
  const identity = readIdentity(app, service, response);
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
  service: ServiceToken | undefined,
  readOptions: () => SignInOptions,
): Promise<Record<string, string>> {
  if (service !== undefined) {
    // A service token goes only to what proved to be behind Access.
    await applicationFor(context, app);
    return { [headers.clientId]: service.id, [headers.clientSecret]: service.secret };
  }
  const { stored } = await credentialFor(context, app, readOptions);
  if (stored !== undefined) return { [headers.accessToken]: stored.token };
  throw new CliError(
    "not_behind_access",
    `policy lets everybody reach ${app.bare} without a sign-in, so there is no identity to show`,
  );
}

type Identity = Record<string, unknown>;

function readIdentity(
  app: AppUrl,
  service: ServiceToken | undefined,
  { status, body }: HttpResponse,
): Identity {
  if (status === 401 || (status >= 300 && status < 400)) throw refusedCredential(app, service);
  if (status === 403)
    throw new CliError(
      "refused_by_policy",
      `policy does not let you reach ${app.bare}; ask its owner`,
    );
  const identity = status === 200 ? parseJsonObject(body) : undefined;
  if (identity !== undefined) return identity;
  throw new CliError(
    "failure",
    `${app.origin} did not say who you are (status ${status}); try again later`,
  );
}

function refusedCredential(app: AppUrl, service: ServiceToken | undefined): CliError {
  if (service === undefined) return notSignedIn(app);
  return new CliError(
    "not_signed_in",
    `${app.origin} refuses the service token ${service.id.slice(0, 60)}; check its ID, its secret and its expiry`,
  );
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
