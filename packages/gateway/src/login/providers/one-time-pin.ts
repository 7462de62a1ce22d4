// The one-time PIN: a code by mail that proves an e-mail address. Whoever asks sees the same page
// and causes the same work, whether or not the address may have a code; what differs happens after
// the answer is sent. Counting comes before comparing, and is per canonical address, so that
// neither spelling nor haste gains tries (case L12).
import { randomInt } from "node:crypto";
import { endpoints } from "@postern/protocol";
import type { Context } from "hono";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { IdentityProvider } from "../../model/model.ts";
import { networkOf } from "../../network.ts";
import { evaluate } from "../../policy/evaluate.ts";
import { goTo } from "../answers.ts";
import { canonicalEmail } from "../canonical-email.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { sha256 } from "../hash.ts";
import { errorPage } from "../pages/error.ts";
import { sendPage } from "../pages/layout.ts";
import { equalSecrets } from "../session.ts";
import {
  type Attempt,
  type AttemptStep,
  keepAttempt,
  newAttemptId,
  randomSecret,
  type SignInTarget,
} from "../sign-in/attempt.ts";
import type { ProvidedIdentity } from "./identity-provider.ts";

type C = Context<LoginEnv>;
export type PinStep = Extract<AttemptStep, { kind: "pin" }>;

export const pinPath = "/cdn-cgi/access/pin";
export const pinLifeMs = 10 * 60_000;
const triesPerPin = 5;
const minute = 60_000;
/**
 * How often, in which window: what one person needs on a bad day, and far below what guessing
 * needs.
 */
const limits = {
  asksPerNetwork: { most: 20, window: 60 * minute },
  asksPerEmail: { most: 5, window: 10 * minute },
  triesPerNetwork: { most: 60, window: 60 * minute },
  triesPerEmail: { most: 10, window: 60 * minute },
};

/**
 * Makes a PIN for the address that somebody typed, and sends it if policy could ever admit that
 * address.
 * @returns undefined when what was typed is no e-mail address
 */
export async function askForPin(
  c: C,
  deps: LoginDependencies,
  ask: { target: SignInTarget; provider: IdentityProvider; name: string; typed: string },
): Promise<Response | undefined> {
  const { target, provider, name } = ask;
  const facts = c.get("facts");
  const email = canonicalEmail(ask.typed.trim());
  if (email === undefined) return undefined;
  const tooMany =
    !(await within(deps, `pin-asks ${networkOf(facts.clientIp)}`, limits.asksPerNetwork)) ||
    !(await within(deps, `pin-asks ${email}`, limits.asksPerEmail));
  if (tooMany) return sendPage(c, tooManyPage("codes were asked for", limits.asksPerEmail.window));

  const pin = randomInt(1_000_000).toString().padStart(6, "0");
  const step: PinStep = {
    kind: "pin",
    provider: provider.id,
    email,
    pin: randomSecret(),
    browser: randomSecret(),
  };
  const createdAt = deps.now();
  await deps.store.pins.add({
    id: sha256(step.pin),
    email,
    aud: target.application?.aud ?? "",
    idp_id: provider.id,
    pin_hash: pinHash(deps, step, pin),
    browser_hash: sha256(step.browser),
    tries: 0,
    created_at: createdAt,
    expires_at: createdAt + pinLifeMs,
  });
  const id = newAttemptId();
  keepAttempt(c, deps, { id, created_at: createdAt, target, step });
  if (couldEnter(facts, target, provider, email)) send(c, deps, { email, pin, name });
  return goTo(c, `${pinPath}?attempt=${id}`);
}

export type PinVerdict = "right" | "wrong" | "over" | "too_many";

/**
 * Whether the code is the one that was sent for this attempt. Takes the PIN: a second caller finds
 * none.
 */
export async function verifyPin(
  c: C,
  deps: LoginDependencies,
  attempt: Attempt,
  step: PinStep,
  typed: string,
): Promise<PinVerdict> {
  const pin = typed.replace(/[\s-]/g, "");
  const network = networkOf(c.get("facts").clientIp);
  const tooMany =
    !(await within(deps, `pin-tries ${network}`, limits.triesPerNetwork)) ||
    !(await within(deps, `pin-tries ${step.email}`, limits.triesPerEmail));
  if (tooMany) return "too_many";
  const id = sha256(step.pin);
  const stored = await deps.store.pins.try(id);
  if (stored === undefined || stored.expires_at <= deps.now() || stored.tries > triesPerPin)
    return "over";
  const right =
    equalSecrets(stored.pin_hash, pinHash(deps, step, pin)) &&
    stored.browser_hash === sha256(step.browser) &&
    stored.email === step.email &&
    stored.idp_id === step.provider &&
    stored.aud === (attempt.target.application?.aud ?? "");
  if (!right) return stored.tries === triesPerPin ? "over" : "wrong";
  if (!(await deps.store.pins.take(id))) return "over";
  await deps.store.counters.clear(`pin-tries ${step.email}`);
  return "right";
}

/** Who a correct PIN proves somebody to be: an address and nothing else. */
export function pinIdentity(email: string): ProvidedIdentity {
  return { email, name: "", groups: [], oidc_fields: {}, amr: ["otp"] };
}

export function tooManyPage(what: string, windowMs: number): ReturnType<typeof errorPage> {
  return errorPage({
    status: 429,
    heading: "Too many tries",
    message: `Too many ${what}. Wait ${Math.ceil(windowMs / minute)} minutes, then open the application again.`,
  });
}

/** Six digits are guessed in no time from a plain hash; this one needs the gateway's own key. */
function pinHash(deps: LoginDependencies, step: PinStep, pin: string): string {
  return deps.secretBox.mac("one-time pin", `${step.pin} ${pin}`);
}

/**
 * Counts, and says whether there may be another one. Whoever is over the limit is turned away from
 * memory for a while: each count is a write that reaches the disk, and a flood of them would hold
 * up everybody (case O5).
 */
async function within(
  { store, now }: LoginDependencies,
  key: string,
  limit: { most: number; window: number },
): Promise<boolean> {
  const turnedAway = turnedAwayOf(store);
  if ((turnedAway.get(key) ?? 0) > now()) return false;
  if ((await store.counters.count(key, limit.window, now())) <= limit.most) return true;
  if (turnedAway.size >= turnedAwayLimit) turnedAway.clear();
  turnedAway.set(key, now() + turnedAwayMs);
  return false;
}

const turnedAwayMs = minute;
const turnedAwayLimit = 10_000;
const turnedAwayByStore = new WeakMap<LoginDependencies["store"], Map<string, number>>();

/** Key → until when, milliseconds. */
function turnedAwayOf(store: LoginDependencies["store"]): Map<string, number> {
  const known = turnedAwayByStore.get(store) ?? new Map<string, number>();
  turnedAwayByStore.set(store, known);
  return known;
}

/**
 * Mail goes only to addresses that policy would let in (access-features 6.1): we are nobody's way
 * to send mail.
 */
function couldEnter(
  facts: RequestFacts,
  target: SignInTarget,
  provider: IdentityProvider,
  email: string,
): boolean {
  const { catalog, clientIp } = facts;
  const { application: place } = target;
  const applications =
    place === undefined ? catalog.applications : [catalog.applicationByAud.get(place.aud)];
  const identity = {
    ...pinIdentity(email),
    idp: { id: provider.id, type: provider.type },
    ip: clientIp,
    country: "",
    iat: 0,
  };
  return applications.some(
    (application) =>
      application !== undefined &&
      evaluate({
        application,
        groups: catalog.groups,
        principal: { kind: "person", identity },
        ip: clientIp,
      }).outcome === "allow",
  );
}

// Not awaited: the time that the mail server takes would tell who may have a code.
function send(
  c: C,
  deps: LoginDependencies,
  message: { email: string; pin: string; name: string },
): void {
  const { rayId, catalog } = c.get("facts");
  const { email, pin, name } = message;
  deps.announcePin?.(email, pin);
  if (deps.sendMail === undefined) {
    if (deps.announcePin === undefined) deps.record({ event: "mail_missing", ray: rayId });
    return;
  }
  const text = `${pin} is your code to sign in to ${name}.

It works once, for ${pinLifeMs / minute} minutes, in the browser where you asked for it. Type it only on a page of
${catalog.issuer}${endpoints.login}

If you did not ask for a code, somebody typed your address: there is nothing to do.
`;
  const { sendMail, record } = deps;
  const subject = `Your code for ${catalog.organization.name}`;
  setImmediate(() => {
    sendMail({ to: email, subject, text }).catch((error) =>
      record({ event: "mail_failed", ray: rayId, error: String(error).slice(0, 300) }),
    );
  });
}
