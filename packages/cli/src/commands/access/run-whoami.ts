// `access whoami`: the identity as the gateway sees it, not as the stored token says.
import { endpoints, headers } from "@postern/protocol";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import { CliError } from "../../exit-status.ts";
import { send } from "../../net/http-client.ts";
import { printable, printableJson } from "../../printable.ts";
import { applicationFor, credentialFor } from "../../sign-in/credential.ts";
import { notSignedIn } from "../../sign-in/login-flow.ts";
import { readServiceToken, type ServiceToken } from "../../sign-in/service-token.ts";
import { writeOutput } from "../../standard-output.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, loginFlags, onlyUrl, readCommandLine } from "../command-line.ts";

const timeout = 7_000;

/** @returns the exit status */
export async function runWhoami(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags, loginFlags, { values: ["app"] });
  const context = contextOf(surroundings, line);
  const app = readAppUrl(onlyUrl(line, "whoami"));
  const service = readServiceToken(context, line);
  let sent: Record<string, string>;
  if (service === undefined) {
    const { stored } = await credentialFor(context, app, line, context.onTerminal);
    if (stored === undefined)
      throw new CliError(
        "not_behind_access",
        `policy lets everybody reach ${app.bare}; it does not matter who you are`,
      );
    sent = { [headers.accessToken]: stored.token };
  } else {
    await applicationFor(context, app);
    sent = { [headers.clientId]: service.id, [headers.clientSecret]: service.secret };
  }
  const { status, body } = await send(context, {
    method: "GET",
    url: new URL(endpoints.getIdentity, app.origin),
    headers: sent,
    timeout,
  });
  if (status === 401 || (status >= 300 && status < 400))
    throw service === undefined ? notSignedIn(app) : refusedServiceToken(app, service);
  if (status === 403)
    throw new CliError(
      "refused_by_policy",
      `policy does not let you reach ${app.bare}; ask its owner`,
    );
  const identity = status === 200 ? readIdentity(body) : undefined;
  if (identity === undefined)
    throw new CliError("failure", `${app.origin} does not say who you are (status ${status})`);
  if (line.has("json")) writeOutput(`${printableJson(identity)}\n`);
  else for (const text of describe(identity)) writeOutput(`${printable(text)}\n`);
  return 0;
}

function refusedServiceToken(app: AppUrl, { id }: ServiceToken): CliError {
  return new CliError(
    "not_signed_in",
    `${app.origin} refuses the service token ${id.slice(0, 60)}; check its ID, its secret and its expiry`,
  );
}

function readIdentity(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The few lines that a person wants to know; `--json` has the rest. */
function describe(identity: Record<string, unknown>): string[] {
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  const idp = identity["idp"] as { type?: unknown } | undefined;
  const groups = Array.isArray(identity["groups"])
    ? identity["groups"].map((group) =>
        typeof group === "object" ? JSON.stringify(group) : String(group),
      )
    : [];
  const name = text(identity["name"]);
  return [
    text(identity["email"]) ?? text(identity["common_name"]) ?? "nobody with a name",
    ...(name === undefined ? [] : [`  name      ${name}`]),
    ...(text(idp?.type) === undefined ? [] : [`  by        ${String(idp?.type)}`]),
    ...(groups.length === 0 ? [] : [`  groups    ${groups.join(", ")}`]),
  ];
}
