/** What a program may choose. */
export interface LibraryOptions {
  /** as `--profile`; else POSTERN_PROFILE, else `default` */
  profile?: string;
  /** a PEM file of authorities to trust for the gateway, as `--ca-file`; else POSTERN_CA_FILE */
  caFile?: string;
  /** told what the command line would tell a person, one line at a time */
  onMessage?: (line: string) => void;
}

/** A token of the command line, and what is known of it. */
export interface AccessToken {
  /** the value of the header field `cf-access-token` */
  token: string;
  expiresAt: Date;
  /** whose it is; undefined for a program */
  email: string | undefined;
  /** pattern of the application, such as `api.example.com/v1` */
  application: string;
  /** AUD of the application, 64 hex characters */
  aud: string;
  /** `https://` and the team domain */
  issuer: string;
}

/** Why there is no token, as the exit statuses of the command line have it. */
export type AccessErrorCode =
  | "failure"
  | "usage"
  | "not_signed_in"
  | "refused_by_policy"
  | "not_behind_access"
  | "unreachable"
  | "unverified"
  | "login_refused"
  | "login_timeout";

/** What both functions throw; the message is one line for a person. */
export interface AccessError extends Error {
  code: AccessErrorCode;
}

/**
 * The token for the application behind the URL: what `postern access token` prints. Nobody is
 * asked.
 * @throws {AccessError}
 */
export function getAccessToken(url: string | URL, options?: LibraryOptions): Promise<AccessToken>;

/**
 * `fetch` with the credential of the URL's own application, for its origin and no other. A session
 * that has ended is renewed once, if that asks nobody.
 * @throws {AccessError} where there is no credential
 * @throws {TypeError} as `fetch` does
 */
export function fetch(
  input: string | URL | Request,
  init?: RequestInit & { access?: LibraryOptions },
): Promise<Response>;
