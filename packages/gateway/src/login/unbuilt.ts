// Endpoints of the protocol that this gateway does not have (wire-protocol 11). A program
// that asks for one gets an error in the form of the endpoint's own protocol, whatever it accepts.
import { reservedPrefix } from "@postern/protocol";
import type { Hono } from "hono";
import type { LoginContext, LoginEnv } from "./login-context.ts";
import { refuseJson } from "./responses.ts";

/** The error of one endpoint, as JSON. */
type ErrorForm = (message: string, rayId: string) => Record<string, unknown>;

/** RFC 6749 5.2 */
const ofOAuth: ErrorForm = (message) => ({
  error: "unsupported_grant_type",
  error_description: message,
});
const plain: ErrorForm = (message, ray_id) => ({ error: "not_implemented", message, ray_id });

const unbuilt: readonly { path: string; form: ErrorForm; what: string }[] = [
  { path: `${reservedPrefix}oauth/*`, form: ofOAuth, what: "issue tokens by OAuth" },
  {
    path: "/.well-known/oauth-authorization-server/*",
    form: plain,
    what: "issue tokens by OAuth",
  },
  { path: `${reservedPrefix}saml-metadata`, form: plain, what: "speak SAML" },
  { path: `${reservedPrefix}:idp/saml-metadata`, form: plain, what: "speak SAML" },
  { path: `${reservedPrefix}sso/*`, form: plain, what: "sign people in elsewhere" },
  { path: `${reservedPrefix}grant`, form: plain, what: "make grants" },
];

/** Adds a route for each. */
export function unbuiltRoutes(app: Hono<LoginEnv>): void {
  for (const { path, form, what } of unbuilt)
    app.all(path, (c) => refuse(c, form, `This gateway does not ${what}.`));
}

function refuse(c: LoginContext, form: ErrorForm, reason: string): Response {
  return refuseJson(c, 501, form(reason, c.var.facts.rayId), reason);
}
