// What somebody signs in for. The application's host vouched for all of it before it got here; from
// then on it travels sealed, in forms and cookies.
import { endpoints } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { type Clock, isOver } from "../clock.ts";
import type { Application } from "../model/model.ts";
import type { SecretBox } from "../secrets/secret-box.ts";

/** An application and the address there, or the team domain. */
export interface SignInTarget {
  /** undefined: the team domain itself */
  application: TargetAddress | undefined;
  /** somebody else is to sign in: the provider must ask again */
  someone_else?: true;
  /** for the provider: who will probably sign in (OpenID Connect Core 3.1.2.1) */
  login_hint?: string;
  /** for the provider: what it must ask, whoever is signed in there */
  prompt?: string;
}

/** An address of an application. */
export interface TargetAddress {
  aud: string;
  /** host, with the port that the client used */
  authority: string;
  /** path and query on that host */
  redirect_url: string;
  /** of that address, without its `#` (fragment.ts) */
  fragment?: string;
  /** hash of the browser's `CF_AppSession` there; "" for a terminal, which needs no hand-over */
  app_session: string;
}

// The sign-in page may stand open for longer than `meta` lives.
const lifeMs = 60 * 60_000;
const sealContext = "sign-in target";

/** The target as the hidden field of a form. */
export function sealTarget(
  { secretBox, now }: { secretBox: SecretBox; now: Clock },
  target: SignInTarget,
): string {
  return secretBox.seal(JSON.stringify({ target, expires_at: now() + lifeMs }), sealContext);
}

/** @returns undefined when it is not ours; `expired` still says where to start again */
export function openTarget(
  { secretBox, now }: { secretBox: SecretBox; now: Clock },
  sealed: string,
): { target: SignInTarget; expired: boolean } | undefined {
  const text = secretBox.open(sealed, sealContext);
  if (text === undefined) return undefined;
  const { target, expires_at } = JSON.parse(text) as { target: SignInTarget; expires_at: number };
  return { target, expired: isOver(expires_at, lifeMs, now()) };
}

/** The application that somebody signs in to; undefined for the team domain itself. */
export function applicationOf(facts: RequestFacts, target: SignInTarget): Application | undefined {
  return facts.catalog.applicationByAud.get(target.application?.aud ?? "");
}

/** What pages and mails call that which somebody signs in to. */
export function nameOf(facts: RequestFacts, target: SignInTarget): string {
  return applicationOf(facts, target)?.name ?? facts.catalog.organization.name;
}

/** The address of the target, on the application's host or the team domain. */
export function urlOf(facts: RequestFacts, { application }: SignInTarget): string {
  if (application === undefined) return `${facts.catalog.issuer}/`;
  return `${facts.scheme}://${application.authority}${addressOn(application)}`;
}

/** Path, query and fragment. */
export function addressOn({
  redirect_url,
  fragment,
}: Pick<TargetAddress, "redirect_url" | "fragment">): string {
  return fragment === undefined ? redirect_url : `${redirect_url}#${fragment}`;
}

/**
 * Where a failed attempt begins anew: the application itself, which sends the browser back with
 * fresh arguments.
 */
export function startOf(facts: RequestFacts, target: SignInTarget): string {
  if (target.application === undefined) return `${facts.catalog.issuer}${endpoints.login}`;
  return urlOf(facts, target);
}
