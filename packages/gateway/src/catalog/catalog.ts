// Everything that is configured, in the form that requests read: immutable, replaced as a whole
// when the configuration changes, so that a request sees one consistent state and caches compare
// one reference.
import type {
  Application,
  Group,
  IdentityProvider,
  List,
  Organization,
  ServiceToken,
} from "../model/model.ts";
import type { Ingress } from "./choose-service.ts";
import type { CountryLookup } from "./countries.ts";
import type { CatalogPattern, HostIndex } from "./host-index.ts";

/** What is in force, compiled for the requests that read it. */
export interface Catalog {
  organization: Organization;
  /**
   * `https://<auth_domain>`, or `http://` on loopback names; the issuer of every token, no trailing
   * slash
   */
  issuer: string;
  /** the host of `auth_domain` without port, lower-case */
  teamHost: string;
  relayHosts: ReadonlySet<string>;
  /** those that requests can reach */
  applications: readonly Application[];
  /** links in the list on the team domain, each with the policies that say who sees it */
  bookmarks: readonly Application[];
  applicationByAud: ReadonlyMap<string, Application>;
  /** every pattern of every application, most specific first */
  patterns: readonly CatalogPattern[];
  /** the same patterns by the hosts that requests are for */
  hosts: HostIndex;
  groups: ReadonlyMap<string, Group>;
  lists: ReadonlyMap<string, List>;
  /** where addresses are, for as long as this catalog is in force */
  countries: CountryLookup;
  identityProviders: ReadonlyMap<string, IdentityProvider>;
  serviceTokenByClientId: ReadonlyMap<string, ServiceToken>;
  ingress: Ingress;
}

/** Holds the catalog in force. Readers call `current()` on each request and keep no copy. */
export interface CatalogSource {
  current(): Catalog;
}
