import type { SignInResult } from "./provider.ts";

/** This gateway as the client of one OpenID Provider. */
export interface OidcClient {
  /**
   * The address of the authorization request with these arguments.
   * @throws {Error} when the provider cannot be reached or describes itself wrongly
   */
  authorizationUrl(parameters: Record<string, string>): Promise<string>;
  /** Exchanges the code for an ID token and verifies it. */
  redeem(answer: OidcAnswer): Promise<SignInResult>;
}

/** The provider's answer, and what it is checked against. */
export interface OidcAnswer {
  /** the query of the callback */
  parameters: URLSearchParams;
  redirectUri: string;
  state: string;
  nonce: string;
  /** PKCE, S256 */
  verifier: string;
}
