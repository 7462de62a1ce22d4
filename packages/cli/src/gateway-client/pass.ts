// Asks for a pass: a credential for one URL and at most ten minutes (wire-protocol 8).
import { type CredentialScope, endpoints, headers } from "@postern/protocol";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send } from "../net/http-client.ts";
import { removeAppToken, type StoredToken } from "../store/token-store.ts";
import { proofFields, proofRefusal } from "./proof-of-possession.ts";

/** Seconds; the most that a gateway gives. */
export const longestPass = 600;

/** What narrows a pass beside its URL. */
export interface PassWish extends CredentialScope {
  /** seconds */
  ttl: number;
}

export type PassAnswer =
  | { kind: "pass"; token: string }
  /** the gateway knows no passes */
  | { kind: "none" }
  /** the gateway does not take the token any more; it is forgotten */
  | { kind: "dead" };

/**
 * A pass for the URL's own path and what lies below it.
 * @param wish what narrows it; a gateway that cannot do that issues none
 * @throws {CliError} refused_by_policy | unreachable | failure
 */
export async function requestPass(
  context: Context,
  app: AppUrl,
  stored: StoredToken,
  wish: PassWish = { ttl: longestPass },
): Promise<PassAnswer> {
  const url = new URL(endpoints.pass, app.origin);
  const { team, token } = stored;
  const response = await send(context, {
    method: "POST",
    url,
    headers: {
      [headers.accessToken]: token,
      ...proofFields(context, team, { method: "POST", url, token }),
    },
    body: JSON.stringify({ url_prefix: app.bare, ...wish }),
  });
  const { status, body } = response;
  const unproven = proofRefusal(response, app.bare);
  if (unproven !== undefined) throw unproven;
  switch (status) {
    case 200:
    case 201:
      return { kind: "pass", token: readPass(app, body) };
    case 404:
    case 405:
      return { kind: "none" };
    case 301:
    case 302:
    case 303:
    case 307:
    case 401:
      removeAppToken(context, stored);
      return { kind: "dead" };
    case 403:
      throw new CliError("refused_by_policy", `you may not reach ${app.bare}; ask its owner`);
    default:
      throw new CliError(
        "failure",
        `${app.origin} did not issue a pass for ${app.bare} (status ${status}); use --via env instead`,
      );
  }
}

/** The pass goes into a URL, and into an argument list: nothing but a pass may. */
function readPass(app: AppUrl, body: string): string {
  const token = parseJsonObject(body)?.["token"];
  if (typeof token === "string" && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token;
  throw new CliError(
    "failure",
    `${app.origin} answered with something that is not a pass; use --via env instead`,
  );
}
