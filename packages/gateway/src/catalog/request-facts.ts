// What the gateway knows of a request before anybody is authenticated. Made once, by
// access/read-request.ts. Every other part reads these, and never the target, `Host` or peer
// address again.
import type { Catalog } from "./catalog.ts";
import type { ApplicationMatch } from "./match-application.ts";

export interface RequestFacts {
  method: string;
  scheme: "http" | "https";
  /** lower-case, no port, no trailing dot */
  host: string;
  /** with the port, if the client used one: for redirects and for `<app host>` in paths */
  authority: string;
  /** canonical, starts with `/`: what policy sees and, byte for byte, what the origin gets */
  path: string;
  /** without `?`, our own `token` arguments removed; "" when there is none */
  query: string;
  /** the client's address, canonical text (IPv4-mapped IPv6 as IPv4) */
  clientIp: string;
  /** 16 hex characters */
  rayId: string;
  /** the configuration in force when the request came in */
  catalog: Catalog;
  /** the application that covers host and path; undefined when none does */
  match: ApplicationMatch | undefined;
}
