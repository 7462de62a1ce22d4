// A curl command line in sections: what lies between two `--next`. Options and targets of one
// section have nothing to do with another's.
import type { AppUrl } from "../app-url.ts";
import type { Credential } from "../sign-in/credential.ts";
import type { CurlPart } from "./curl-arguments.ts";
import { isOptionNamed } from "./curl-options.ts";

/** How a token travels. */
export type Carrier = "cookie" | "header" | "query";

/** A URL of the command line and what opens it. */
export interface CurlTarget {
  app: AppUrl;
  /** undefined where the request goes out without one */
  credential: Credential | undefined;
}

export interface CurlSection {
  parts: CurlPart[];
  /**
   * options that apply without being written here: those of `-K` files and of curl's own
   * configuration
   */
  implied: CurlPart[];
  targets: Map<CurlPart, CurlTarget>;
  /** curl will ask URLs that we have not seen */
  hasUnreadUrls: boolean;
  /** files that every cookie of the run is written to; sections share them */
  cookieJars: string[];
}

/** A section of which nothing is known yet. */
export function emptySection(): CurlSection {
  return { parts: [], implied: [], targets: new Map(), hasUnreadUrls: false, cookieJars: [] };
}

/** The values of these options, in their order; an empty one where an option takes none. */
export function optionValues(section: CurlSection, ...names: string[]): string[] {
  return [...section.implied, ...section.parts].flatMap((part) => {
    if (part.kind !== "option" || !names.includes(part.name)) return [];
    return [part.value ?? ""];
  });
}

/** Whether the section has one of these options, on the command line or in a file. */
export function hasOption(section: CurlSection, ...names: string[]): boolean {
  return [...section.implied, ...section.parts].some(
    (part) => part.kind === "option" && names.some((option) => isOptionNamed(part.name, option)),
  );
}

/** Whether curl may ask URLs that we have not looked at: by a redirect, or from a file. */
export function goesFurther(section: CurlSection): boolean {
  const follows = hasOption(section, "location", "location-trusted", "follow");
  return follows || section.hasUnreadUrls;
}
