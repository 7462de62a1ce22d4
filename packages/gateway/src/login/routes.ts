// The sign-in room: everything below the reserved prefix, and the team domain. What a request is
// was read by the data path; the facts ride along, and nothing here looks at the raw URL, `Host` or
// peer again.
import { endpoints } from "@postern/protocol";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { privateHeaders } from "../http/private-headers.ts";
import type { Exchange } from "../http/transport.ts";
import { answerExchange } from "../http/web-exchange.ts";
import type { LoginDependencies, LoginEnv } from "./dependencies.ts";
import { errorPage } from "./pages/error.ts";
import { homePage } from "./pages/home.ts";
import { sendPage } from "./pages/layout.ts";
import { pinPath } from "./providers/one-time-pin.ts";
import { showPin, submitPin } from "./providers/pin-page.ts";
import { browserSession } from "./session.ts";
import { authorized } from "./sign-in/authorized.ts";
import { getIdentity } from "./sign-in/get-identity.ts";
import { showLogout, submitLogout } from "./sign-in/logout.ts";
import { callback, showLogin, submitLogin } from "./sign-in/sign-in.ts";
import { terminalRoutes } from "./terminal/terminal-routes.ts";

/**
 * Answers the requests that the data path does not forward.
 * @param bodyTimeout milliseconds for which a client may pause in the middle of a form
 */
export function createLogin(
  deps: LoginDependencies,
  bodyTimeout: number,
): (exchange: Exchange, facts: RequestFacts) => void {
  // The path that the data path read, never a second reading of the URL.
  const app = new Hono<LoginEnv>({
    getPath: (_request, options) => options?.env?.facts.path ?? "",
  });
  app.use(async (c, next) => {
    c.set("facts", c.env.facts);
    await next();
    // Case L20: what nobody thought of is private; only the keys say otherwise.
    if (c.res.headers.has("Cache-Control")) return;
    for (const [name, value] of Object.entries(privateHeaders)) c.res.headers.set(name, value);
  });
  routes(app, deps);
  app.notFound((c) => sendPage(c, notFound));
  app.onError((error, c) => {
    deps.record({
      event: "sign_in_page_failed",
      ray: c.get("facts").rayId,
      error: error.stack ?? String(error),
    });
    return sendPage(c, failed);
  });

  return (exchange, facts) => {
    const options = { url: urlOf(facts), bodyTimeout };
    answerExchange(exchange, options, (request) => app.fetch(request, { facts })).catch((error) => {
      deps.record({ event: "answer_failed", ray: facts.rayId, error: String(error) });
      exchange.destroy();
    });
  };
}

function urlOf({ scheme, authority, path, query }: RequestFacts): string {
  return `${scheme}://${authority}${path}${query === "" ? "" : `?${query}`}`;
}

// Hono answers HEAD as GET without the body; the handlers see the real method in the facts.
function routes(app: Hono<LoginEnv>, deps: LoginDependencies): void {
  app.get("/", onTeam, async (c) =>
    sendPage(
      c,
      homePage({
        organization: c.get("facts").catalog.organization.name,
        email: (await browserSession(c, deps))?.identity.email,
      }),
    ),
  );
  for (const path of [endpoints.login, `${endpoints.login}/:host`]) {
    app.get(path, onTeam, (c) => showLogin(c, deps));
    app.post(path, onTeam, (c) => submitLogin(c, deps));
  }
  app.get(endpoints.callback, onTeam, notHead, (c) => callback(c, deps));
  app.get(pinPath, onTeam, (c) => showPin(c, deps));
  app.post(pinPath, onTeam, (c) => submitPin(c, deps));
  app.get(endpoints.authorized, onApplication, (c) => authorized(c, deps));
  app.get(endpoints.getIdentity, (c) => getIdentity(c, deps));
  app.get(endpoints.logout, (c) => showLogout(c, deps));
  app.post(endpoints.logout, (c) => submitLogout(c, deps));
  app.get(endpoints.certs, (c) =>
    c.body(deps.tokens.certs(), 200, {
      "Content-Type": "application/json",
      "Cache-Control": "public, max-age=300",
      "Access-Control-Allow-Origin": "*",
      "X-Content-Type-Options": "nosniff",
    }),
  );
  terminalRoutes(app, deps);
}

const isTeam = (c: Context<LoginEnv>) => c.get("facts").host === c.get("facts").catalog.teamHost;
const onTeam: MiddlewareHandler<LoginEnv> = async (c, next) => (isTeam(c) ? next() : c.notFound());
const onApplication: MiddlewareHandler<LoginEnv> = async (c, next) =>
  isTeam(c) ? c.notFound() : next();
// An answer is taken once; a look at its headers must not take it.
const notHead: MiddlewareHandler<LoginEnv> = async (c, next) =>
  c.get("facts").method === "HEAD" ? c.body(null, 405) : next();

const notFound = errorPage({
  status: 404,
  heading: "There is nothing here",
  message:
    "This address is reserved for signing in, and holds no page. Open the application's own address.",
});

const failed = errorPage({
  status: 500,
  heading: "Something went wrong",
  message:
    "The fault is ours. Try again in a moment; if it stays, give the ray ID to the people who run this.",
});
