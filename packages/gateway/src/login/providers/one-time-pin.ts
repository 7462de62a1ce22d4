// The one-time PIN: a code by mail that proves an email address. Whoever requests one sees the
// same page and causes the same work, whether or not the address may have a code; what differs
// happens after the answer is sent. Counting comes before comparing (pin-limits.ts).
import { endpoints } from "@postern/protocol";
import { isOver } from "../../clock.ts";
import type { IdentityProvider } from "../../model/model.ts";
import { networkOf } from "../../network.ts";
import type { RandomBytes } from "../../random.ts";
import { requestFields } from "../login-context.ts";
import type { Page } from "../pages/layout.ts";
import { pinPage } from "../pages/pin.ts";
import { plural } from "../pages/words.ts";
import { recordFailedLogin } from "../record-access.ts";
import { equalSecrets, randomBelow, randomSecret, sha256 } from "../secret-values.ts";
import { applicationOf, nameOf, sealTarget } from "../sign-in-target.ts";
import { canonicalEmail } from "./canonical-email.ts";
import type { PinAsker } from "./pin-limits.ts";
import { mailPin, pinIdentity } from "./pin-mail.ts";
import {
  type FinishRequest,
  type FormRefused,
  type FormRequest,
  formPath,
  type MakeProvider,
  type ProviderParts,
  type SignInFault,
  type SignInResult,
  type Start,
  type StartRequest,
} from "./provider.ts";

const lifeMs = 10 * 60_000;
const digits = 6;
const triesPerPin = 5;
const codePattern = new RegExp(`^[\\s-]*(?:\\d[\\s-]*){${digits}}$`);

/** Whether somebody may have typed this for a code: its digits, with blanks and dashes anywhere. */
export function mayBeCode(typed: string): boolean {
  return codePattern.test(typed);
}

/** A PIN in the store, as the browser knows it. */
interface PinSecrets {
  /** canonical address */
  email: string;
  /** names the PIN in the store, which holds its hash */
  pin: string;
  /** shows that this is the browser that requested the code; the store holds its hash */
  browser: string;
  /** "1": it was requested in place of another */
  another: string;
}

/** `wrong` says how many codes may still be typed. */
type Verdict =
  | { kind: "right" }
  | { kind: "wrong"; triesLeft: number }
  | { kind: "over" }
  | { kind: "too_many" };

/** Makes the one-time PIN of a configured object. */
export const oneTimePin: MakeProvider = (settings, parts) => ({
  offer: "email",
  start: (request) => requestCode(settings, parts, request),
  finish: (request) => tryCode(settings, parts, request),
  drawForm: (request) => drawForm(settings, parts, request),
});

/** Makes a PIN for the address that somebody typed, and mails it if policy could ever admit it. */
async function requestCode(
  settings: IdentityProvider,
  parts: ProviderParts,
  request: StartRequest,
): Promise<Start> {
  const { facts, target, fields } = request;

  // 1. The address counts in its one spelling.
  const email = canonicalEmail((fields.get("email") ?? "").trim());
  if (email === undefined)
    return refuseForm("Enter your whole email address, for example ada@example.com.");

  // 2. Only so many codes are made for an address or a network.
  if (!(await parts.pinLimits.countRequest(askerOf(request, email))))
    return refuse("too_many_codes_requested");

  // 3. The store gets hashes alone; what they are hashes of waits in the browser.
  const code = randomCode(parts.randomBytes);
  const secrets = {
    email,
    pin: randomSecret(parts.randomBytes),
    browser: randomSecret(parts.randomBytes),
    another: fields.has("another") ? "1" : "",
  };
  const createdAt = parts.now();
  const expiresAt = createdAt + lifeMs;
  await parts.store.pins.add({
    id: sha256(secrets.pin),
    email,
    aud: target.application?.aud ?? "",
    idp_id: settings.id,
    pin_hash: hashOf(parts, secrets, code),
    browser_hash: sha256(secrets.browser),
    tries: 0,
    created_at: createdAt,
    expires_at: expiresAt,
  });

  // 4. The mail leaves after the answer, which is the same for everybody.
  const minutes = lifeMs / 60_000;
  mailPin(parts, { facts, target, settings, email, code, minutes, expiresAt });
  return { ok: true, next: "form", secrets };
}

/** Whether the typed code proves the address of this attempt. */
async function tryCode(
  settings: IdentityProvider,
  parts: ProviderParts,
  request: FinishRequest,
): Promise<SignInResult> {
  // What cannot be a code costs no try, and tells nothing.
  const typed = request.parameters.get("code") ?? "";
  if (!mayBeCode(typed)) return refuseForm("The code has six digits. Type all of them.");

  const verdict = await judge(settings, parts, request, typed.replace(/[\s-]/g, ""));
  if (verdict.kind === "right")
    return { ok: true, identity: pinIdentity(readSecrets(request).email) };
  const fields = requestFields(request.facts);
  parts.record({ event: "pin_refused", ...fields, provider: settings.id, verdict: verdict.kind });
  recordFailedLogin(parts, request.facts, {
    application: applicationOf(request.facts, request.target),
    provider: settings.id,
    reason: `pin_${verdict.kind}`,
    email: readSecrets(request).email,
  });
  switch (verdict.kind) {
    case "wrong":
      return refuseForm(
        `That is not the code. You have ${plural(verdict.triesLeft, "try", "tries")} left.`,
      );
    case "over":
      return refuse("code_over");
    case "too_many":
      return refuse("too_many_codes_tried");
  }
}

/** Whether the code is the one that was made for this attempt. A right one works once. */
async function judge(
  settings: IdentityProvider,
  parts: ProviderParts,
  request: FinishRequest,
  code: string,
): Promise<Verdict> {
  const { target } = request;
  const secrets = readSecrets(request);
  const id = sha256(secrets.pin);

  // 1. Counting comes before comparing, and a try counts whatever comes of it: for the code of this
  // browser's attempt, and for the address.
  if (!(await parts.pinLimits.countTry(askerOf(request, secrets.email))))
    return { kind: "too_many" };
  const pin = await parts.store.pins.try(id);
  if (pin === undefined || pin.tries > triesPerPin) return { kind: "over" };
  if (isOver(pin.expires_at, lifeMs, parts.now())) return { kind: "over" };

  // 2. The code must be that PIN's, and everything around it as it was when the code was made.
  const aud = target.application?.aud ?? "";
  const isSame = pin.idp_id === settings.id && pin.aud === aud && pin.email === secrets.email;
  const isBrowser = pin.browser_hash === sha256(secrets.browser);
  const isCode = equalSecrets(pin.pin_hash, hashOf(parts, secrets, code));
  const triesLeft = triesPerPin - pin.tries;
  if (!isSame || !isBrowser || !isCode)
    return triesLeft === 0 ? { kind: "over" } : { kind: "wrong", triesLeft };

  // 3. Of several that come at once with the right code, one gets it.
  if (!(await parts.store.pins.take(id))) return { kind: "over" };
  await parts.pinLimits.clearTries(secrets.email);
  return { kind: "right" };
}

function drawForm(settings: IdentityProvider, parts: ProviderParts, request: FormRequest): Page {
  const { facts, target, attemptId, error, asksForDelivery } = request;
  const { email, another } = readSecrets(request);
  return pinPage({
    email,
    name: nameOf(facts, target),
    action: formPath,
    attempt: attemptId,
    minutes: lifeMs / 60_000,
    resend: {
      action: endpoints.login,
      target: sealTarget(parts, target),
      provider: settings.id,
    },
    isAnother: another !== "",
    asksForDelivery,
    isMailInTrouble: parts.mail?.isInTrouble() ?? false,
    error,
  });
}

function askerOf(
  { facts, addressesBefore }: StartRequest | FinishRequest,
  email: string,
): PinAsker {
  const network = networkOf(facts.clientIp);
  return { network, email, isKnown: addressesBefore.includes(email) };
}

function readSecrets({ secrets }: FinishRequest | FormRequest): PinSecrets {
  const { email = "", pin = "", browser = "", another = "" } = secrets;
  return { email, pin, browser, another };
}

function randomCode(randomBytes: RandomBytes): string {
  const number = randomBelow(10 ** digits, randomBytes);
  return number.toString().padStart(digits, "0");
}

/** Six digits are guessed in no time from a plain hash. This one needs the gateway's own key. */
function hashOf({ secretBox }: ProviderParts, { pin }: PinSecrets, code: string): string {
  return secretBox.mac("one-time pin", `${pin} ${code}`);
}

function refuse(fault: SignInFault): { ok: false; fault: SignInFault; detail: string } {
  return { ok: false, fault, detail: "" };
}

/** Shows the form once more, with a message beside it. */
function refuseForm(message: string): FormRefused {
  return { ok: false, fault: "form_refused", message };
}
