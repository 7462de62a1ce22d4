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
  /**
   * Claims of which the provider stated everything that it has: who lacks one of them does not have
   * it, and of any other claim it is unknown. Absent: of every claim, as in sessions that are older
   * than this field.
   */
  known_claims?: string[];
  /** the browser's address at login */
  ip: string;
  country: string;
  /** seconds since the epoch */
  iat: number;
}

/** A program that showed a verified token of the platform it runs on. */
export interface Workload {
  issuer: string;
  /** where the keys are that verified it; undefined: where the issuer's discovery says */
  jwksUri: string | undefined;
  /** `sub`: what the issuer calls it, unique there */
  subject: string;
  audiences: readonly string[];
  claims: Record<string, unknown>;
  /** of the token, milliseconds since the epoch */
  expiresAt: number;
}

/** What authenticated a request, as policy sees it. */
export type Principal =
  | { kind: "anonymous" }
  | { kind: "person"; identity: Identity }
  | { kind: "service"; tokenId: string; clientId: string }
  | { kind: "workload"; workload: Workload }
  /** the origin of another application, in the name of a person who uses that */
  | { kind: "linked"; application: LinkedApplication; identity: Identity };

/** The application whose token somebody shows at another. */
export interface LinkedApplication {
  id: string;
  name: string;
}
