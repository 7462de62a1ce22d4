// What the sign-in pages know of a provider that people are sent to. The one-time PIN is no such
// thing: its forms are ours. Each kind is one file below providers/.
import type { Identity } from "../../model/model.ts";

/** What a provider says about a person at one login. */
export type ProvidedIdentity = Omit<Identity, "ip" | "country" | "iat" | "idp">;

/**
 * Why a provider's answer does not sign anybody in. Precise here and in the log, general on the
 * page.
 */
export type SignInFault =
  | "provider_unreachable"
  /** the person or the provider said no */
  | "provider_refused"
  /** the answer does not fit the question: state, nonce, issuer, signature, audience, times */
  | "answer_invalid"
  | "email_missing"
  | "email_unusable"
  | "email_unverified";

export type SignInResult =
  | { ok: true; identity: ProvidedIdentity }
  | { ok: false; fault: SignInFault; detail: string };

/** Secrets of one attempt, kept by the browser in a sealed cookie. */
export interface RedirectSecrets {
  state: string;
  nonce: string;
  /** PKCE, S256 */
  verifier: string;
}

export interface RedirectProvider {
  /**
   * Where to send the browser.
   * @param redirectUri our callback
   * @throws {Error} when the provider cannot be reached or describes itself wrongly
   */
  begin(request: {
    redirectUri: string;
    secrets: RedirectSecrets;
    someoneElse: boolean;
  }): Promise<string>;
  /** @param query of the callback, without `?` */
  finish(request: {
    redirectUri: string;
    secrets: RedirectSecrets;
    query: string;
  }): Promise<SignInResult>;
}
