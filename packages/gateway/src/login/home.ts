// The team domain's front page: the applications that the person who is signed in may open, by the
// same evaluation that lets them in.
import { parseAuthority } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application } from "../model/model.ts";
import type { StoredSession } from "../storage/store.ts";
import type { Tokens } from "../tokens/tokens.ts";
import { admits, decideFor } from "./decide.ts";
import type { LoginContext } from "./login-context.ts";
import { homePage, type OpenApplication, signedOutHomePage } from "./pages/home.ts";
import { sendPage } from "./pages/layout.ts";
import { browserSession } from "./team-session.ts";

/** Applications that the page lists; it counts the others. */
const listLimit = 100;

/** `GET /` on the team domain. */
export async function showHome(c: LoginContext, parts: { tokens: Tokens }): Promise<Response> {
  const { facts } = c.var;
  const { name: organization } = facts.catalog.organization;
  const session = await browserSession(c, parts);
  if (session === undefined) return sendPage(c, signedOutHomePage(organization));
  const applications = applicationsFor(facts, session);
  const page = homePage({
    organization,
    email: session.identity.email,
    applications: applications.slice(0, listLimit).map((each) => entryOf(facts, each)),
    unlisted: Math.max(0, applications.length - listLimit),
  });
  return sendPage(c, page);
}

/** What policy lets the person open now, by name, except what is not to be listed. */
function applicationsFor(facts: RequestFacts, session: StoredSession): Application[] {
  return facts.catalog.applications
    .filter(({ app_launcher_visible }) => app_launcher_visible !== false)
    .filter((application) => admits(decideFor(facts, application, session)))
    .sort((a, b) => a.name.localeCompare(b.name, "en"));
}

/** The application with a link to the first of its domains that a link can stand for. */
function entryOf(facts: RequestFacts, { name, domains }: Application): OpenApplication {
  const plainDomain = domains.find((domain) => !hostIn(domain).includes("*"));
  const domain = plainDomain ?? domains[0] ?? "";
  return { name, domain, href: plainDomain && linkTo(facts, plainDomain) };
}

/**
 * The address of a domain at the port of the team domain: an application at another one is not sure
 * to be this gateway's. A path is cut before its wildcard.
 */
function linkTo({ scheme, authority }: RequestFacts, domain: string): string {
  const port = parseAuthority(authority)?.port;
  const host = hostIn(domain);
  const [path = ""] = domain.slice(host.length).split("*");
  const place = port === undefined ? host : `${host}:${port}`;
  return `${scheme}://${place}${path === "" ? "/" : path}`;
}

function hostIn(domain: string): string {
  return domain.split("/", 1)[0] ?? "";
}
