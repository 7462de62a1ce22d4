// Somebody of whom an administrator asks, by the flags of the command line: names become ids, and
// what no flag says is not known.
import type { Catalog } from "../catalog/catalog.ts";
import { matchApplication } from "../catalog/match-application.ts";
import { defined } from "../defined.ts";
import type { Application } from "../model/model.ts";
import { canonicalAddress } from "../network.ts";
import type { ClaimValues, Facts } from "../policy/facts.ts";
import { UsageError } from "../usage-error.ts";

/** Somebody of whom is asked, as flags say it. */
export interface AskedFacts {
  url: string;
  email?: string;
  loginMethod?: string;
  serviceToken?: string;
  ip?: string;
  country?: string;
  method: string;
  groups: readonly string[];
  /** `name=value` */
  claims: readonly string[];
  authMethods: readonly string[];
}

/** A question, ready to be answered. */
export interface Question {
  application: Application;
  facts: Facts;
  /** who asks for what, in words */
  about: string;
}

/** @throws {UsageError} when the URL is of no application, or a flag names what there is not */
export function readQuestion(catalog: Catalog, asked: AskedFacts): Question {
  const { host, path } = readUrl(asked.url);
  const application = matchApplication(catalog, host, path)?.application;
  if (application === undefined)
    throw new UsageError(`${host}${path} belongs to no application; check the host and the path`);
  const facts = factsOf(catalog, asked, path);
  const about = `${nameOf(asked, facts)} at ${host}${path} ("${application.name}")`;
  return { application, facts, about };
}

function nameOf({ email, serviceToken }: AskedFacts, { kind }: Facts): string {
  if (kind === "anonymous") return "A stranger";
  return email ?? serviceToken ?? "This person";
}

/** @throws {UsageError} */
function readUrl(url: string): { host: string; path: string } {
  const full = url.includes("://") ? url : `https://${url}`;
  if (!URL.canParse(full)) throw new UsageError(`${JSON.stringify(url)} is not a URL`);
  const { hostname, pathname } = new URL(full);
  return { host: hostname, path: pathname };
}

function factsOf(catalog: Catalog, asked: AskedFacts, path: string): Facts {
  const { email, loginMethod, serviceToken, ip, country, method, authMethods } = asked;
  const claims = claimsOf(asked);
  const isPerson = [email, loginMethod, claims].some((each) => each !== undefined);
  const tokens = [...catalog.serviceTokenByClientId.values()];
  return defined({
    kind: kindOf(serviceToken, isPerson || authMethods.length > 0),
    email: email?.toLowerCase(),
    login_method: loginMethod && idOf([...catalog.identityProviders.values()], loginMethod),
    service_token: serviceToken && idOf(tokens, serviceToken),
    auth_methods: authMethods.length === 0 ? undefined : authMethods,
    claims,
    ip: ip && readAddress(ip),
    country: country?.toUpperCase(),
    request: { method, path },
  });
}

function kindOf(serviceToken: string | undefined, isPerson: boolean): Facts["kind"] {
  if (serviceToken !== undefined) return "service";
  return isPerson ? "person" : "anonymous";
}

/** @throws {UsageError} */
function readAddress(ip: string): string {
  const address = canonicalAddress(ip);
  if (address === undefined) throw new UsageError(`${JSON.stringify(ip)} is not an IP address`);
  return address;
}

/** @throws {UsageError} */
function idOf(objects: readonly { id: string; name: string }[], word: string): string {
  const object = objects.find(({ id, name }) => id === word || name === word);
  if (object !== undefined) return object.id;
  throw new UsageError(`nothing in the configuration is called ${JSON.stringify(word)}`);
}

/** @throws {UsageError} */
function claimsOf({ claims, groups }: AskedFacts): Record<string, ClaimValues> | undefined {
  // A claim may be called `constructor`.
  const values: Record<string, string[]> = Object.create(null);
  if (groups.length > 0) values["groups"] = [...groups];
  for (const claim of claims) {
    const equals = claim.indexOf("=");
    if (equals < 1) throw new UsageError(`--claim ${claim} has no value; write --claim team=red`);
    const name = claim.slice(0, equals);
    const value = claim.slice(equals + 1);
    values[name] = [...(values[name] ?? []), ...(value === "" ? [] : [value])];
  }
  return Object.keys(values).length === 0 ? undefined : values;
}
