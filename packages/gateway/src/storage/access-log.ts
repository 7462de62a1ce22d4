// The access log as it is kept: who signed in or out, who was refused, and, where `log.requests` is
// `decisions`, what became of each request (access-features 18). Written in batches, off the path
// of any request, and removed when its retention is over.

/** What a row is about. */
export type AccessAction = "login" | "logout" | "request";

/** A row of the access log. Names are those of the API; null where nothing is known. */
export interface StoredAccessEvent {
  /** of `accessEventId`: sorts as time does */
  id: string;
  created_at: number;
  action: AccessAction;
  allowed: boolean;
  /** `allow`, `bypass`, `deny`, `login`, `failed` or `logout` */
  outcome: string;
  /** why it was not allowed, in a word: `no_policy_matched`, `code_over` */
  reason: string | null;
  /** 16 hex characters, as on the page and in `cf-ray` */
  ray_id: string;
  ip_address: string;
  /** of the address: two letters, ISO 3166-1 */
  country: string | null;
  user_email: string | null;
  user_uid: string | null;
  /** id, name, first domain and type of the application */
  app_uid: string | null;
  app_name: string | null;
  app_domain: string | null;
  app_type: string | null;
  /** the identity provider: its id, and its type */
  idp: string | null;
  connection: string | null;
  /** whether somebody came with a session that they had already */
  has_existing_jwt: boolean;
  /** a program asked: a service token, or a token of another issuer */
  non_identity: boolean;
  /** id of the service token */
  service_token_id: string | null;
  /** the policy that decided */
  policy_id: string | null;
  policy_name: string | null;
  /** the rule of it that did, in words */
  rule: string | null;
  /** of a request: host with the client's port, path without the query, status of the answer */
  method: string | null;
  host: string | null;
  path: string | null;
  status: number | null;
  /** of the browser or program, cut to 256 characters */
  user_agent: string | null;
  /** JSON: what the decision was made of (policy/), for whoever explains or replays it */
  facts: string | null;
}

/** A row that is to be added: the store makes its id. */
export type NewAccessEvent = Omit<StoredAccessEvent, "id">;

/** Fields that a list can be narrowed by. */
export type AccessFilterField =
  | "action"
  | "allowed"
  | "app_type"
  | "app_uid"
  | "country"
  | "idp"
  | "non_identity"
  | "ray_id"
  | "user_email";

/**
 * `contains`: of text, whatever its case. `neq` holds for a field that is null as well. `in`: it is
 * one of the texts. A flag is asked for with a boolean, any other field with text.
 */
export type AccessFilter =
  | { field: AccessFilterField; operator: "eq" | "neq" | "contains"; value: string | boolean }
  | { field: AccessFilterField; operator: "in"; value: readonly string[] };

/** Which rows are wanted, and in what order. */
export interface AccessLogQuery {
  /** from then on, milliseconds */
  since?: number;
  /** before then, milliseconds */
  until?: number;
  /** rows beyond this one, in the direction of the list: the next page, at no cost of its own */
  after?: string;
  direction: "asc" | "desc";
  /** all of them hold */
  filters: readonly AccessFilter[];
  limit: number;
  /** rows that are left out at the beginning */
  offset?: number;
}

/** The columns that a replay reads: half of a row, and a million rows are read at once. */
export const decisionColumns = [
  ...(["id", "created_at", "action", "outcome", "ray_id", "ip_address", "country"] as const),
  ...(["user_email", "app_uid", "app_name", "idp", "service_token_id", "policy_name"] as const),
  ...(["method", "host", "path", "facts"] as const),
] as const satisfies readonly (keyof StoredAccessEvent)[];

/** What a replay needs of a row. */
export type StoredDecision = Pick<StoredAccessEvent, (typeof decisionColumns)[number]>;

/** Which rows a replay wants next, in the order of time. */
export interface DecisionQuery {
  /** from then on, milliseconds */
  since: number;
  /** rows beyond this one */
  after?: string;
  limit: number;
}

export interface AccessLogStore {
  /** Adds rows. One that is there already stays as it is: a batch may be written twice. */
  add(rows: readonly NewAccessEvent[]): Promise<void>;
  list(query: AccessLogQuery): Promise<StoredAccessEvent[]>;
  decisions(query: DecisionQuery): Promise<StoredDecision[]>;
}

const actionDigits: Record<AccessAction, string> = { login: "0", logout: "1", request: "2" };

/**
 * The id of a row: it sorts as time does, and is the same when the same row is made again.
 * @param ray 16 hex characters
 */
export function accessEventId(createdAt: number, ray: string, action: AccessAction): string {
  return `${timePrefix(createdAt)}${ray}${actionDigits[action]}`;
}

/** What the ids of all rows from this moment on are not less than. */
export function timePrefix(time: number): string {
  return Math.max(0, Math.floor(time)).toString(16).padStart(12, "0");
}
