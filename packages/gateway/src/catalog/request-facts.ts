// What the gateway knows of a request before anybody is authenticated. Made once, by
// access/read-request.ts; every other part reads these and never the raw URL, Host or peer address
// again.

import type { Application } from "../model/model.ts";
import type { Catalog } from "./catalog.ts";

export interface RequestFacts {
  method: string;
  scheme: "http" | "https";
  /** lower-case, no port, no trailing dot */
  host: string;
  /**
   * as the client used it, with the port if one was given: for redirects and for `<app host>` in
   * paths
   */
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
  match: { application: Application; pattern: string } | undefined;
}
