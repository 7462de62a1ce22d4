// What `postern init` asks: each question has a flag that answers it, so that the same
// configuration can be made without a terminal.
import { isHostName, parseAuthority } from "@postern/protocol/host";
import type { ZodType } from "zod";
import { authority } from "../config/values.ts";
import { ingressRule } from "../model/ingress-rule.ts";
import { applicationPattern, emailAddress, emailDomain, webUrl } from "../model/values.ts";

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
  /** the answer is not shown while it is typed; a file named like the flag holds it, and no flag */
  isSecret?: boolean;
  /** what is wrong with an answer: a sentence with what to write instead */
  fault?(answer: string): string | undefined;
}

/** Asks one question until the answer has no fault. */
export type Ask = (question: Question) => Promise<string>;

/** A host name, with a port where one is allowed. */
export function hostFault(answer: string): string | undefined {
  const { host = "" } = parseAuthority(answer) ?? {};
  if (isHostName(host) && isValid(authority, answer)) return undefined;
  return `${answer} is not a host name; write one such as login.example.com`;
}

/** A host name, and perhaps a path below it that the application and its ingress rule both take. */
export function addressFault(answer: string): string | undefined {
  const [hostname = "", ...path] = answer.split("/");
  const rule = { hostname, path: `/${path.join("/")}`, service: "http_status:404" };
  const isAddress = isHostName(hostname) && isValid(applicationPattern, answer);
  if (isAddress && isValid(ingressRule, rule)) return undefined;
  return `${answer} is not a host name with or without a path; write one such as api.example.com or api.example.com/v1`;
}

/** A URL that a provider may have. */
export function urlFault(answer: string): string | undefined {
  if (isValid(webUrl, answer)) return undefined;
  if (/^http:/i.test(answer) && URL.canParse(answer))
    return `${answer} must be https; http is for this machine only`;
  return `${answer} is not a URL; write one such as https://idp.example.com`;
}

/** An http or https URL that says where an origin is, and no path. */
export function originFault(answer: string): string | undefined {
  if (!/^https?:\/\//i.test(answer) || !URL.canParse(answer))
    return `${answer} is not a URL; write one such as http://127.0.0.1:3000`;
  if (isValid(ingressRule, { service: answer })) return undefined;
  return `${answer} has more than scheme, host and port; write only those, such as http://127.0.0.1:3000`;
}

/** One line without spaces. */
export function wordFault(answer: string): string | undefined {
  return /^\S+$/.test(answer) ? undefined : "it must be one word, without spaces";
}

/** An email address, or a domain behind an @. */
export function personFault(answer: string): string | undefined {
  const isDomain = answer.startsWith("@") && isValid(emailDomain, answer.slice(1));
  if (isDomain || isValid(emailAddress, answer)) return undefined;
  return `${answer} is neither an email address nor a domain; write ada@example.com, or @example.com for everybody there`;
}

/** Whether the configuration takes the value: what it refuses is better said at the question. */
function isValid(schema: ZodType, value: unknown): boolean {
  return schema.safeParse(value).success;
}
