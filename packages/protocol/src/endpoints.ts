// Paths, header names and cookie names of the protocol (wire-protocol 1, 3, 4, 11).

/** Paths below it are never forwarded to an origin; the gateway answers 404 to unknown ones. */
export const reservedPrefix = "/cdn-cgi/access/";

/** The gateway's own paths, on applications' hosts, the team domain or both. */
export const endpoints = {
  login: "/cdn-cgi/access/login",
  callback: "/cdn-cgi/access/callback",
  authorized: "/cdn-cgi/access/authorized",
  logout: "/cdn-cgi/access/logout",
  certs: "/cdn-cgi/access/certs",
  getIdentity: "/cdn-cgi/access/get-identity",
  cli: "/cdn-cgi/access/cli",
  pass: "/cdn-cgi/access/pass",
  grants: "/cdn-cgi/access/grants",
  certSign: "/cdn-cgi/access/cert_sign",
  /** `/transfer/<key>`, on the team domain and on every relay host. */
  transfer: "/transfer/",
} as const;

/** Header names in lower case, as Node gives them. */
export const headers = {
  metadataRequest: "cf-access-metadata-request",
  metadata: "cf-access-metadata",
  accessToken: "cf-access-token",
  /** [ext] the proof that whoever sends a bound token holds its key (RFC 9449) */
  proof: "cf-access-dpop",
  clientId: "cf-access-client-id",
  clientSecret: "cf-access-client-secret",
  assertion: "cf-access-jwt-assertion",
  userEmail: "cf-access-authenticated-user-email",
  aud: "cf-access-aud",
  domain: "cf-access-domain",
  /** [ext] why a program's token is no longer good (wire-protocol 3) */
  error: "cf-access-error",
  ray: "cf-ray",
  servicePublicKey: "service-public-key",
  /** [ext] on a poll: the terminal will say with DELETE that it has its box (wire-protocol 6.6). */
  transferConfirm: "cf-access-transfer-confirm",
  /** [ext] on a poll: the last thing at the browser that the terminal knows of (6.6). */
  transferProgress: "cf-access-transfer-progress",
  /** `host:port` behind a bastion (wire-protocol 10) */
  jumpDestination: "cf-access-jump-destination",
} as const;

/** Cookie names that applications and the official client know. */
export const cookies = {
  authorization: "CF_Authorization",
  appSession: "CF_AppSession",
} as const;

/**
 * The query argument by which a client asks whether its token is still valid (wire-protocol 6.9).
 */
export const tokenCheckArgument = "cloudflared_token_check";

/**
 * [ext] The subprotocol of a stream in which an empty binary frame is the end of one direction
 * (wire-protocol 10).
 */
export const halfCloseProtocol = "postern.tcp.v1";
