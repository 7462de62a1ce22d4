// The configured objects, with the field names of the Cloudflare v4 API (configuration.md), after
// parsing: defaults filled in, names resolved to ids, durations still in Go syntax as they were
// written.

export interface Organization {
  name: string;
  auth_domain: string;
  /** Go duration; undefined follows the application, else 24h */
  session_duration?: string;
  login_design?: {
    background_color?: string;
    text_color?: string;
    logo_path?: string;
    header_text?: string;
    footer_text?: string;
  };
  /** [ext] refuse terminals that show no code (wire-protocol 7) */
  require_login_code?: boolean;
}

/** A rule has exactly one key. Kinds that this gateway does not know are kept and fail closed. */
export type Rule = Record<string, unknown>;

export interface RuleSet {
  include: Rule[];
  require: Rule[];
  exclude: Rule[];
}

export interface Group extends RuleSet {
  id: string;
  name: string;
}

export type PolicyAction = "allow" | "deny" | "bypass" | "non_identity";

export interface Policy extends RuleSet {
  id: string;
  name: string;
  decision: PolicyAction;
  session_duration?: string;
}

export interface CorsHeaders {
  allow_all_headers?: boolean;
  allow_all_methods?: boolean;
  allow_all_origins?: boolean;
  allow_credentials?: boolean;
  allowed_headers?: string[];
  allowed_methods?: string[];
  allowed_origins?: string[];
  max_age?: number;
}

export interface Application {
  id: string;
  /** 64 lower-case hex characters, fixed for the life of the application */
  aud: string;
  name: string;
  type: "self_hosted";
  /** every `host[/path]` pattern; the first is the primary one */
  domains: string[];
  session_duration: string;
  /** ids; empty means all */
  allowed_idps: string[];
  auto_redirect_to_identity: boolean;
  same_site_cookie_attribute: "none" | "lax" | "strict";
  http_only_cookie_attribute: boolean;
  path_cookie_attribute: boolean;
  options_preflight_bypass: boolean;
  cors_headers?: CorsHeaders;
  skip_interstitial: boolean;
  read_service_tokens_from_header?: string;
  custom_deny_message?: string;
  custom_deny_url?: string;
  custom_non_identity_deny_url?: string;
  /** [ext] lets %2F and %5C through, unchanged; default refuses them (case P4) */
  allow_encoded_slashes: boolean;
  /** in precedence order */
  policies: Policy[];
}

export interface IdentityProvider {
  id: string;
  name: string;
  type: "onetimepin" | "oidc";
  config: OidcConfig | Record<string, never>;
}

export interface OidcConfig {
  client_id: string;
  client_secret?: string;
  /** discovery, or the three explicit URLs of the API */
  issuer?: string;
  auth_url?: string;
  token_url?: string;
  certs_url?: string;
  scopes?: string[];
  /** claims kept in the identity and put into the token's `custom` */
  claims?: string[];
  email_claim_name?: string;
  pkce_enabled?: boolean;
}

export interface ServiceToken {
  id: string;
  name: string;
  client_id: string;
  /** SHA-256 of the secret, hex */
  client_secret_hash: string;
  enabled: boolean;
  /** milliseconds since the epoch; undefined never expires */
  expires_at?: number;
}

/** Where a request goes. First match wins; `hostname` undefined matches all. */
export interface IngressRule {
  hostname?: string;
  /** prefix on segment boundaries, or a glob with `*` */
  path?: string;
  service: IngressService;
  originRequest: {
    httpHostHeader?: string;
    /** milliseconds */
    connectTimeout: number;
    /** [ext] milliseconds from the complete request to the beginning of the answer */
    responseTimeout: number;
    noTLSVerify?: boolean;
    originServerName?: string;
    /** path of a PEM file */
    caPool?: string;
  };
}

export type IngressService =
  | { kind: "http"; origin: string }
  | { kind: "unix"; path: string; tls: boolean }
  | { kind: "status"; status: number };

/**
 * Who somebody is, as the provider said **at that login**; stored with the session, never shared
 * between sessions.
 */
export interface Identity {
  /** canonical: one `@`, ASCII lower-case domain */
  email: string;
  name: string;
  idp: { id: string; type: string };
  groups: string[];
  /** the configured claims of an OIDC provider */
  oidc_fields: Record<string, unknown>;
  amr: string[];
  /** the browser's address at login */
  ip: string;
  country: string;
  /** seconds since the epoch */
  iat: number;
}

/** What authenticated a request, as policy sees it. */
export type Principal =
  | { kind: "anonymous" }
  | { kind: "person"; identity: Identity }
  | { kind: "service"; tokenId: string; clientId: string };

/**
 * What policy says about one principal at one application. `login` means: unknown so far, signing
 * in may help.
 */
export type Decision =
  | { outcome: "allow"; policy: Policy }
  | { outcome: "bypass"; policy: Policy }
  | { outcome: "deny"; reason: "no_policy_matched" }
  | { outcome: "deny"; reason: "policy"; policy: Policy }
  | { outcome: "login" };
