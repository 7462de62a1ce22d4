// Which headers of the gateway's answer become headers of the request (wire-protocol 12), the same
// for every proxy, and which ones nobody sends on. Lower-case throughout.
import { strippedHeaders } from "../access/stripped-headers.ts";

/** A header of the request that the origin gets, and the header of the gateway's answer it is. */
export interface GivenHeader {
  name: string;
  from: string;
}

/** All that an answer gives, empty or not. */
export const givenHeaders: readonly GivenHeader[] = [
  { name: "host", from: "x-access-host" },
  { name: "cookie", from: "cookie" },
  { name: "cf-access-jwt-assertion", from: "cf-access-jwt-assertion" },
  { name: "cf-access-authenticated-user-email", from: "cf-access-authenticated-user-email" },
  { name: "cf-ray", from: "cf-ray" },
  { name: "x-forwarded-for", from: "x-forwarded-for" },
  { name: "x-forwarded-proto", from: "x-forwarded-proto" },
  { name: "x-forwarded-host", from: "x-forwarded-host" },
];

/** Headers of an application's answer that are the gateway's alone to send. */
export const hiddenHeaders: readonly string[] = [
  "cf-access-aud",
  "cf-access-domain",
  "cf-access-error",
  "cf-access-metadata",
];

/** What a client sends and nobody sets anew. */
export const withheldHeaders: readonly string[] = strippedHeaders.filter(
  (name) => !givenHeaders.some((header) => header.name === name),
);
