// What the sign-in knows of a way to prove who somebody is. Each kind is one file of this folder
// and one line in providers.ts.
//
// A sign-in has two steps. `start` leads the browser to the provider, or to a form; what the answer
// will be checked against comes back as `secrets` and waits in the browser, sealed. `finish` turns
// the answer into an identity.
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Clock, Stopwatch } from "../../clock.ts";
import type { Identity, IdentityProvider } from "../../model/model.ts";
import type { ProviderReport, RecordEvent } from "../../observe/events.ts";
import type { RandomBytes } from "../../random.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import type { Store } from "../../storage/store.ts";
import type { StrangerLimits } from "../../stranger-limits.ts";
import type { MailDelivery } from "../mail-delivery.ts";
import type { Page } from "../pages/layout.ts";
import type { SignInTarget } from "../sign-in-target.ts";
import type { PinLimits } from "./pin-limits.ts";

/** Where the form of a provider is shown and sent to. The PIN's was the first, hence the name. */
export const formPath = "/cdn-cgi/access/pin";

/** What a provider says about a person at one login. */
export type ProvidedIdentity = Omit<Identity, "ip" | "country" | "iat" | "idp">;

/** Why nobody is signed in. Precise here and in the log, general on the page. */
export type SignInFault =
  | "provider_unreachable"
  /** it was reached, and gave no whole answer in time */
  | "provider_slow"
  /** somebody has to change a setting, here or there: trying again does not help */
  | "provider_misconfigured"
  /** the person or the provider said no */
  | "provider_refused"
  /** the answer does not fit the question: state, nonce, issuer, signature, audience, times */
  | "answer_invalid"
  | "email_missing"
  | "email_unusable"
  | "email_unverified"
  /** answers of this provider from one network: each costs a question to the provider */
  | "too_many_answers"
  | "too_many_codes_requested"
  | "too_many_codes_tried"
  /** the code was used, has expired, or was typed wrongly too often */
  | "code_over";

/** What the answer of a provider proves. */
export type SignInResult = { ok: true; identity: ProvidedIdentity } | SignInFailure | FormRefused;

/** Nobody is signed in: why, for the page and for the log. */
export interface SignInFailure {
  ok: false;
  fault: SignInFault;
  detail: string;
  /** what the provider says about it */
  report?: ProviderReport;
}

/** The form that was sent is shown once more, with this message. The attempt goes on. */
export interface FormRefused {
  ok: false;
  fault: "form_refused";
  message: string;
}

/** What the answer of one attempt is checked against. The browser keeps it, sealed. */
export type AttemptSecrets = Readonly<Record<string, string>>;

/** How an attempt goes on, or why it does not. */
export type Start = Redirect | Form | FormRefused | SignInFailure;

/** The browser goes on at the provider's own address. */
export interface Redirect {
  ok: true;
  next: "redirect";
  url: string;
  secrets: AttemptSecrets;
}

/** The browser goes on with a form that the provider draws: sent back here, or to the provider. */
export interface Form {
  ok: true;
  next: "form";
  secrets: AttemptSecrets;
}

/** One attempt, as both steps see it. */
interface AttemptRequest {
  facts: RequestFacts;
  target: SignInTarget;
  /** ties the answer to this attempt: the provider sends it back as it is */
  state: string;
  /** our callback */
  redirectUri: string;
  /** canonical addresses that this browser has signed in as before */
  addressesBefore: readonly string[];
}

/** An attempt that begins. */
export interface StartRequest extends AttemptRequest {
  /** the form of the sign-in page */
  fields: ReadonlyMap<string, string>;
}

/** The answer to an attempt. */
export interface FinishRequest extends AttemptRequest {
  secrets: AttemptSecrets;
  /** the query of the callback, or the fields of the provider's form */
  parameters: URLSearchParams;
}

/** An attempt whose form is drawn. */
export interface FormRequest {
  facts: RequestFacts;
  target: SignInTarget;
  secrets: AttemptSecrets;
  /** names the attempt in the form */
  attemptId: string;
  /** what was wrong with the form that was sent */
  error: string | undefined;
  /** whether the person asked if mail goes out */
  asksForDelivery: boolean;
}

/** A way to prove who somebody is. */
export interface Provider {
  /** how the sign-in page offers it: one button, or a field for the email address */
  readonly offer: "button" | "email";
  start(request: StartRequest): Promise<Start>;
  finish(request: FinishRequest): Promise<SignInResult>;
  /** Draws the form that `start` leads to. */
  drawForm?(request: FormRequest): Page;
  /** Asks the provider how to speak with it, for nobody. @returns why it cannot be used */
  check?(): Promise<SignInFailure | undefined>;
}

/** Makes the provider that a configured object describes. */
export type MakeProvider = (settings: IdentityProvider, parts: ProviderParts) => Provider;

/** What providers are made from. */
export interface ProviderParts {
  store: Pick<Store, "pins">;
  pinLimits: PinLimits;
  /** of answers that a provider is asked about: a browser's word is all that vouches for them */
  limits: Pick<StrangerLimits, "take">;
  secretBox: SecretBox;
  /** undefined when no SMTP server is configured */
  mail: MailDelivery | undefined;
  /** `postern dev` alone: shows the PIN in the gateway's terminal */
  announcePin: ((email: string, pin: string) => void) | undefined;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
}
