// The team domain's front page: the applications that the person who is signed in may open, by the
// same evaluation that lets them in.
import { parseAuthority } from "@postern/protocol";
import { matchApplication } from "../catalog/match-application.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock } from "../clock.ts";
import type { Application } from "../model/model.ts";
import { bookmarkAddress } from "../model/other-application.ts";
import { tileLogo } from "../model/tile.ts";
import type { Store, StoredSession } from "../storage/store.ts";
import type { Tokens } from "../tokens/tokens.ts";
import { admits, decideFor } from "./decide.ts";
import type { LoginContext } from "./login-context.ts";
import { homePage, type OpenApplication, signedOutHomePage } from "./pages/home.ts";
import { sendPage } from "./pages/layout.ts";
import { browserSession } from "./team-session.ts";

/** Applications that the page lists; it counts the others. */
const listLimit = 100;

/** What the page is made from. */
export interface HomeParts {
  tokens: Tokens;
  store: Pick<Store, "grants">;
  now: Clock;
}

/** `GET /` on the team domain. */
export async function showHome(c: LoginContext, parts: HomeParts): Promise<Response> {
  const { facts } = c.var;
  const { name: organization } = facts.catalog.organization;
  const session = await browserSession(c, parts);
  if (session === undefined) return sendPage(c, signedOutHomePage(organization));
  const all = applicationsFor(facts, session);
  const tags = [...new Set(all.flatMap(({ tags = [] }) => tags))].sort();
  const tag = tags.find((each) => each === new URLSearchParams(facts.query).get("tag"));
  const applications =
    tag === undefined ? all : all.filter((each) => each.tags?.includes(tag) === true);
  const grants = await parts.store.grants.ofUser(session.user_id, parts.now());
  const page = homePage({
    organization,
    email: session.identity.email,
    applications: applications.slice(0, listLimit).map((each) => entryOf(facts, each)),
    unlisted: Math.max(0, applications.length - listLimit),
    grants: grants.length,
    tags,
    tag,
  });
  return sendPage(c, page);
}

/** What policy lets the person open now, by name, except what is not to be listed. */
function applicationsFor(facts: RequestFacts, session: StoredSession): Application[] {
  return [...facts.catalog.applications, ...facts.catalog.bookmarks]
    .filter(({ app_launcher_visible }) => app_launcher_visible !== false)
    .filter((application) => admits(decideFor(facts, application, session)))
    .sort((a, b) => a.name.localeCompare(b.name, "en"));
}

/** The application with a link to the first of its domains that a link can stand for. */
function entryOf(facts: RequestFacts, application: Application): OpenApplication {
  const { name, domains, logo_url, sent } = application;
  const logo = tileLogo(logo_url);
  if (sent !== undefined)
    return { name, domain: String(sent["domain"]), href: bookmarkAddress(sent), logo };
  for (const domain of domains) {
    const href = linkTo(facts, application, domain);
    if (href !== undefined) return { name, domain, href, logo };
  }
  return { name, domain: domains[0] ?? "", href: undefined, logo };
}

/**
 * The address of a domain at the port of the team domain: an application at another one is not sure
 * to be this gateway's. A path is cut before its wildcard.
 * @returns undefined where that leaves no address, or one that is not the application's own
 */
function linkTo(
  { catalog, scheme, authority }: RequestFacts,
  { aud }: Application,
  domain: string,
): string | undefined {
  const host = hostIn(domain);
  if (host.includes("*")) return undefined;
  const [start = ""] = domain.slice(host.length).split("*");
  const path = start === "" ? "/" : start;
  if (matchApplication(catalog, host, path)?.application.aud !== aud) return undefined;

  const port = parseAuthority(authority)?.port;
  const place = port === undefined ? host : `${host}:${port}`;
  return `${scheme}://${place}${path}`;
}

function hostIn(domain: string): string {
  return domain.split("/", 1)[0] ?? "";
}
