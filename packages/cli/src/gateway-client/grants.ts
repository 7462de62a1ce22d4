// What a person has lent at an application's host, and its end (wire-protocol 8). Asked with the
// terminal's own token for that application: a grant is answered nothing here.
import { endpoints, headers } from "@postern/protocol";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import type { StoredToken } from "../store/token-store.ts";
import { proofFields } from "./proof-of-possession.ts";

/** The terminal's own token for the host that is asked. */
type OwnToken = Pick<StoredToken, "origin" | "team" | "token">;

/** A grant as the gateway describes it. */
export interface ListedGrant {
  id: string;
  application: string;
  url: string;
  methods?: string[];
  paths?: string[];
  count?: number;
  uses_left?: number;
  label?: string;
  /** RFC 3339 */
  expires_at: string;
}

const asked = 5_000;

/**
 * The person's grants for the applications of the token's host.
 * @returns undefined at a gateway without grants, or one that does not take the token any more
 * @throws {CliError} unreachable
 */
export async function listGrants(
  context: Context,
  own: OwnToken,
): Promise<ListedGrant[] | undefined> {
  const { status, body } = await ask(context, own, "GET", endpoints.grants);
  const grants = status === 200 ? parseJsonObject(body)?.["grants"] : undefined;
  return Array.isArray(grants) ? grants.filter(isGrant) : undefined;
}

function isGrant(value: unknown): value is ListedGrant {
  const { id, application, url, expires_at } = Object(value);
  return [id, application, url, expires_at].every((text) => typeof text === "string");
}

/**
 * Ends a grant.
 * @returns false when there is none of this name for the applications of the token's host, or the
 * gateway does not take the token any more
 * @throws {CliError} unreachable | failure
 */
export async function endGrant(context: Context, own: OwnToken, id: string): Promise<boolean> {
  const { status } = await ask(context, own, "DELETE", `${endpoints.grants}/${id}`);
  if (status === 204) return true;
  if (status === 429 || status >= 500)
    throw new CliError("failure", `${own.origin} did not end the grant (status ${status})`);
  return false;
}

function ask(
  context: Context,
  { origin, team, token }: OwnToken,
  method: "GET" | "DELETE",
  path: string,
): Promise<HttpResponse> {
  const url = new URL(path, origin);
  const fields = { [headers.accessToken]: token, Accept: "application/json" };
  const proof = proofFields(context, team, { method, url, token });
  return send(context, { method, url, headers: { ...fields, ...proof }, timeout: asked });
}
