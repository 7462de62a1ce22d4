// What `postern init` asks: each question has a flag that answers it, so that the same
// configuration can be made without a terminal.
import { isHostName, parseAuthority } from "@postern/protocol/host";

/** One thing to know. */
export interface Question {
  /** the flag that answers it, without its dashes */
  flag: string;
  /** what a person is asked: a noun phrase without a colon */
  text: string;
  /** what an empty answer means; without it the question must be answered */
  fallback?: string;
  /** the answer names a file, relative to the folder of the configuration, that must be there */
  isFile?: boolean;
  /** nobody is asked; a flag that answers it all the same is a mistake */
  isUnused?: boolean;
  /** the answer is not shown while it is typed, and no flag holds it */
  isSecret?: boolean;
  /** what is wrong with an answer: a sentence with what to write instead */
  fault?(answer: string): string | undefined;
}

/** Asks one question until the answer has no fault. */
export type Ask = (question: Question) => Promise<string>;

/** A host name, with a port where one is allowed. */
export function hostFault(answer: string): string | undefined {
  const authority = parseAuthority(answer);
  if (authority !== undefined && isHostName(authority.host)) return undefined;
  return `${answer} is not a host name; write one such as login.example.com`;
}

/** A host name, and perhaps a path below it. */
export function addressFault(answer: string): string | undefined {
  const [host = ""] = answer.split("/", 1);
  if (isHostName(host) && !/[\s?#]/.test(answer)) return undefined;
  return `${answer} is not a host name with or without a path; write one such as api.example.com or api.example.com/v1`;
}

/** An http or https URL. */
export function urlFault(answer: string): string | undefined {
  const isUrl = URL.canParse(answer) && /^https?:\/\//i.test(answer);
  if (isUrl) return undefined;
  return `${answer} is not a URL; write one such as https://idp.example.com`;
}

/** An http or https URL that says where an origin is, and no path. */
export function originFault(answer: string): string | undefined {
  const fault = urlFault(answer);
  if (fault !== undefined) return `${answer} is not a URL; write one such as http://127.0.0.1:3000`;
  const { pathname, search, username } = new URL(answer);
  if (pathname === "/" && search === "" && username === "") return undefined;
  return `${answer} has more than scheme, host and port; write only those, such as http://127.0.0.1:3000`;
}

/** One line without spaces. */
export function wordFault(answer: string): string | undefined {
  return /^\S+$/.test(answer) ? undefined : "it must be one word, without spaces";
}

/** An email address, or a domain behind an @. */
export function personFault(answer: string): string | undefined {
  if (/^[^\s@]*@[^\s@]+\.?[^\s@]*$/.test(answer)) return undefined;
  return `${answer} is neither an email address nor a domain; write ada@example.com, or @example.com for everybody there`;
}
