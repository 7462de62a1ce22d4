import { parseDuration } from "@postern/protocol";
import type { OidcConfig } from "../../model/model.ts";
import type { SignInWarning } from "../../observe/events.ts";
import type { SignInFailure, SignInResult } from "./provider.ts";

/** This gateway as the client of one OpenID Provider. */
export interface OidcClient {
  /** The address of the authorization request with these arguments. */
  authorizationUrl(parameters: Record<string, string>): Promise<AuthorizationUrl>;
  /** Exchanges the code for an ID token and verifies it. */
  redeem(answer: OidcAnswer): Promise<SignInResult>;
  /** Asks the provider what it says of itself. @returns why it cannot be used */
  check(): Promise<SignInFailure | undefined>;
}

/** Where the browser goes on, or why it cannot. */
export type AuthorizationUrl = { ok: true; url: string } | SignInFailure;

/** The provider's answer, and what it is checked against. */
export interface OidcAnswer {
  /** the query of the callback */
  parameters: URLSearchParams;
  redirectUri: string;
  state: string;
  nonce: string;
  /** PKCE, S256 */
  verifier: string;
  /** whether a policy or a group in force has a rule about the groups of this provider */
  usesGroups: boolean;
  /** told of what does not keep the person from signing in, and somebody should know */
  warn(warning: SignInWarning): void;
}

/** Seconds by which a provider's clock may differ. */
export const clockTolerance = 5 * 60;

const defaultTimeout = "10s";

/** Milliseconds to wait for each answer of a provider. */
export function timeoutOf({ timeout = defaultTimeout }: OidcConfig): number {
  return parseDuration(timeout);
}
