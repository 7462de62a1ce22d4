// Every page and endpoint of the sign-in, and the host that each belongs to.
import { endpoints } from "@postern/protocol";
import type { Hono, MiddlewareHandler } from "hono";
import { showHome } from "./home.ts";
import type { LoginContext, LoginEnv } from "./login-context.ts";
import { iconPath, iconText } from "./pages/monogram.ts";
import { formPath } from "./providers/provider.ts";
import { authorized } from "./sign-in/authorized.ts";
import { callback } from "./sign-in/callback.ts";
import { getIdentity } from "./sign-in/get-identity.ts";
import { showLogin, submitLogin } from "./sign-in/login-page.ts";
import { showLogout, submitLogout } from "./sign-in/logout.ts";
import { showForm, submitForm } from "./sign-in/provider-form.ts";
import type { SignInParts } from "./sign-in/sign-in-parts.ts";
import { type CertificateParts, signCertificate } from "./ssh/sign-certificate.ts";
import { submitAnswer } from "./terminal/approval-answer.ts";
import { showApproval } from "./terminal/approval-page.ts";
import { vouch, vouchForOpening } from "./terminal/cli-link.ts";
import { deleteGrant, listGrants, submitGrants } from "./terminal/grants.ts";
import { mintPass } from "./terminal/pass.ts";

import type { TerminalParts } from "./terminal/terminal-parts.ts";
import { unbuiltRoutes } from "./unbuilt.ts";

/** What the handlers are made from. */
export type LoginParts = SignInParts & TerminalParts & CertificateParts;

/** Adds every route. Hono answers HEAD as GET without the body; `facts` has the real method. */
export function routes(app: Hono<LoginEnv>, parts: LoginParts): void {
  app.get("/", onTeam, (c) => showHome(c, parts));
  for (const path of [endpoints.login, `${endpoints.login}/:host`]) {
    app.get(path, onTeam, (c) => showLogin(c, parts));
    app.post(path, onTeam, (c) => submitLogin(c, parts));
  }
  app.get(endpoints.callback, onTeam, notHead, (c) => callback(c, parts));
  app.get(formPath, onTeam, (c) => showForm(c, parts));
  app.post(formPath, onTeam, (c) => submitForm(c, parts));
  app.get(endpoints.authorized, onApplication, (c) => authorized(c, parts));
  app.get(endpoints.getIdentity, (c) => getIdentity(c, parts));
  app.get(endpoints.logout, (c) => showLogout(c, parts));
  app.post(endpoints.logout, (c) => submitLogout(c, parts));
  app.get(endpoints.certs, (c) => sendKeys(c, parts));
  app.get(iconPath, sendIcon);

  // A terminal's login (wire-protocol 6.4 to 8): the application's host vouches for the request,
  // the team domain asks the person, the relay carries the answer. Approval lives on the team
  // domain alone, out of reach of the application's own scripts.
  app.get(endpoints.cli, (c) => (isOnTeam(c) ? showApproval(c, parts) : vouch(c, parts)));
  app.get(`${endpoints.cli}/:key`, onApplication, (c) => vouchForOpening(c, parts));
  app.post(endpoints.cli, onTeam, (c) => submitAnswer(c, parts));
  app.all(`${endpoints.transfer}*`, (c) => parts.relay.answer(c));
  app.post(endpoints.pass, onApplication, (c) => mintPass(c, parts));
  app.get(endpoints.grants, (c) => listGrants(c, parts));
  app.post(endpoints.grants, (c) => submitGrants(c, parts));
  app.delete(`${endpoints.grants}/:id`, (c) => deleteGrant(c, parts));
  app.all(endpoints.certSign, (c) => signCertificate(c, parts));

  unbuiltRoutes(app);
}

/** The keys that verify tokens: public, for every origin. */
function sendKeys(c: LoginContext, { tokens }: LoginParts): Response {
  return c.body(tokens.certs(), 200, {
    "Content-Type": "application/json",
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
  });
}

/** The icon for the browser's tab: the same for everybody. No script of it runs, opened alone. */
function sendIcon(c: LoginContext): Response {
  return c.body(iconText(c.var.facts.catalog.organization.name), 200, {
    "Content-Type": "image/svg+xml",
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
  });
}

function isOnTeam(c: LoginContext): boolean {
  const { facts } = c.var;
  return facts.host === facts.catalog.teamHost;
}

const onTeam: MiddlewareHandler<LoginEnv> = async (c, next) =>
  isOnTeam(c) ? next() : c.notFound();

const onApplication: MiddlewareHandler<LoginEnv> = async (c, next) =>
  isOnTeam(c) ? c.notFound() : next();

/** An answer is taken once; a look at its headers must not take it. */
const notHead: MiddlewareHandler<LoginEnv> = async (c, next) =>
  c.var.facts.method === "HEAD" ? c.body(null, 405) : next();
