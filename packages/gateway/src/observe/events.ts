// Everything that is worth writing down, as one union: the log reads it today; an access log, an
// audit trail, metrics and traces can read the same. A page that shows a ray id has its event here.
// An event that anybody can cause is limited: its name stands in limit-events.ts as well.
//
// Fields hold no credential and no query: either may be a secret.

import { StoreUnavailableError } from "../store-unavailable.ts";
import type { AccessEvent } from "./access-event.ts";

/** The request that an event belongs to. */
export interface RequestFields {
  /** 16 hex characters, as on the page and in `cf-ray` */
  ray: string;
  /** the client's address, canonical text */
  ip: string;
}

/** A request that belongs to an application. */
export interface ApplicationRequestFields extends RequestFields {
  method: string;
  /** with the port that the client used */
  host: string;
  /** canonical, without the query */
  path: string;
  aud: string;
  /** name of the application */
  application: string;
}

/** What happened, by name, with the fields that each event has. */
export interface EventFields {
  /** `workers`: how many, where there are several */
  gateway_started: { listen: unknown; auth_domain: string; workers?: number };
  /** at the start; `more`: how many applications are not in the list */
  applications_listed: {
    applications: readonly { name: string; url: string; origin: string; aud: string }[];
    more?: number;
  };
  /** it accepts connections; `worker` is its number, which one that takes its place has as well */
  worker_ready: { worker: number; pid: number };
  /** `how`: a signal, a status, or why it cannot begin; another begins after `restart_in_ms` */
  worker_ended: { worker: number; pid: number; how: string; restart_in_ms: number };
  /** their numbers */
  workers_behind: { workers: readonly number[] };
  gateway_ending: Record<never, never>;
  /** somebody does not want to wait for the answers that are under way */
  gateway_cut: Record<never, never>;
  configuration_warning: { warning: string };
  configuration_applied: { file: string };
  /** the file, and what it names, holds what is in force already */
  configuration_unchanged: { file: string };
  configuration_refused: { file: string; problems: readonly string[] };
  /** a file that says nothing of them any more took them out of force */
  objects_removed: { objects: readonly string[] };
  /** another gateway of the same store has another file: its objects are in force here */
  file_overruled: { objects: readonly string[] };
  /** at the start: the store had these as another file, or an earlier one, says */
  other_file_overruled: { objects: readonly string[] };
  restart_needed: { fields: readonly string[] };
  folder_unwatched: { folder: string; error: string };
  certificates_reloaded: Record<never, never>;
  /**
   * a listener serves these from now on; `expires_at`: when the first of a chain ends, milliseconds
   * since the epoch. The log has no line of it
   */
  certificates_in_force: { certificates: readonly { file: string; expires_at: number }[] };
  certificates_refused: { error: string };
  countries_loaded: { file: string; type: string; built: string };
  countries_refused: { file: string; error: string };
  certificate_not_valid: { file: string | undefined; fault: string };
  /** the server of the store is silent since then; known sessions are served for a while */
  store_unreachable: { since: string; error: string };
  /** that while is over: whoever needs a session gets 503 */
  store_grace_over: { since: string };
  /** the store was silent between these times */
  store_reachable: { since: string; until: string };
  housekeeping_failed: { task: HousekeepingTask; error: string };
  /** for metrics; the log has no line of it */
  housekeeping_done: { task: HousekeepingTask };
  /** sessions that a clock which was ahead had dated more than an hour from now: they are ended */
  sessions_from_future: { count: number };
  /** it ends within a week; `expires_at`: RFC 3339. Once a day */
  service_token_expiring: {
    name: string;
    client_id: string;
    expires_at: string;
    days: number;
  };
  /** `none`: it stands in the file, which alone may change it. `last_used_at`: RFC 3339 */
  service_token_unused: {
    name: string;
    client_id: string;
    last_used_at: string | undefined;
    action: "disable" | "delete" | "none";
  };
  /** events that strangers cause at will, beyond the number that is written down */
  events_left_out: { of: EventName; count: number };
  log_lines_lost: { lines: number };
  /** rows wait: the store does not take them */
  access_log_delayed: { error: string };
  /** `lost`: the queue was full; `left_out`: strangers cause more than their budget */
  access_log_rows_lost: { lost: number; left_out: number };
  /** the collector of traces did not take them */
  traces_lost: { spans: number; error: string };
  access_log_export_failed: { file: string; error: string };

  /** a client broke the rules of HTTP/2 so that its connection had to be ended */
  http2_ended: { ip: string; error: string };
  /** for the access log; the log has no line of it */
  access_decided: AccessEvent;
  request_passed: ApplicationRequestFields & ProgramFields & { status: number };
  /** the client broke it off, or its answer was; `status` is undefined before an answer began */
  request_cut: ApplicationRequestFields & ProgramFields & { status: number | undefined };
  /** a WebSocket, an event stream or the like was ended, although neither of its ends had */
  stream_ended: StreamFields & { reason: string; seconds: number; bytes: number };
  request_challenged: ApplicationRequestFields & RefusalFields;
  request_refused: ApplicationRequestFields & RefusalFields;
  request_failed: Partial<ApplicationRequestFields> & { error: string };
  /** `origin` is the service of the ingress rule: `http://10.0.0.5:3000` */
  origin_failed: ApplicationRequestFields & { origin: string; fault: string; detail: string };
  origin_distrusted: { service: unknown };

  error_page_shown: RequestFields & ErrorPageFields;
  sign_in_page_failed: { ray: string; error: string };
  answer_failed: { ray: string; error: string };
  signed_in: RequestFields & { provider: string; user: string };
  sign_in_failed: RequestFields & ProviderFault;
  sign_in_warning: RequestFields & SignInWarning & { provider: string };
  sign_in_denied: RequestFields &
    Pick<RefusalFields, "unjudged_policies"> & {
      aud: string;
      application: string;
      user: string;
      email: string;
    };
  let_in: RequestFields & { aud: string; user: string };
  hand_over_refused: RequestFields & { aud: string };
  provider_unusable: ProviderFault;
  /** the keys of an issuer that a rule names could not be fetched; those it had serve on */
  issuer_unusable: { issuer: string; url: string | undefined; detail: string };
  /** the mail server has it, or the terminal of `postern dev`; the log has no line of it */
  pin_sent: Record<never, never>;
  /** a provider was asked to vouch for somebody; the log has no line of it */
  provider_asked: { provider: string; ms: number };
  pin_refused: RequestFields & { provider: string; verdict: string };
  /** no policy has room for the address: the page says that a code was sent, to tell nobody */
  pin_not_sent: RequestFields & { email: string; application: string | undefined };
  mail_missing: { ray: string };
  mail_delayed: { ray: string; error: string };
  mail_failed: { ray: string; error: string };

  terminal_approved: RequestFields & { terminal: string; aud: string };
  /** by `terminal`, its address */
  grant_approved: RequestFields & ByGrantFields & { terminal: string; aud: string };
  /** by the page of the person, or a terminal of theirs */
  grant_ended: RequestFields & ByGrantFields & { aud: string };
  terminal_denied: RequestFields & { aud: string };
  terminal_ended: RequestFields & { aud: string };
  terminal_refused_by_policy: RequestFields & { aud: string; application: string; email: string };
  transfer_ended: RequestFields;
  poll_refused: RequestFields & { status: number; error: string };
  poll_not_released: { error: string };
  delivery_not_noted: { error: string };
  pass_issued: RequestFields & { aud: string };
  /** `key`: the fingerprint; sshd logs the serial, and the email with the ray ID, at each login */
  ssh_certificate_signed: RequestFields &
    CertificateAsker & { principal: string; serial: string; key: string; expires_at: string };
  ssh_certificate_refused: RequestFields & CertificateAsker & { status: number; reason: string };

  /** `token_id`: of the admin token */
  admin_answered: AdminRequestFields & { status: number; token_id: string };
  admin_refused: AdminRequestFields & { status: number; reason: string };
  admin_failed: AdminRequestFields & { error: string };
  /** an administrator changed something; `before` and `after` are JSON without secrets */
  admin_changed: RequestFields & AdminChangeFields;
}

/** A request for the admin API. */
export interface AdminRequestFields extends RequestFields {
  method: string;
  /** as it was sent, without the query */
  path: string;
}

/** Who changed what. */
export interface AdminChangeFields {
  /** of the admin token; what is called `token` is cut out of the log */
  token_id: string;
  token_name: string;
  action: string;
  kind: string;
  id: string;
  name: string;
  before: string | null;
  after: string | null;
}

/** Who asks for an SSH certificate of which application. */
interface CertificateAsker {
  aud: string;
  application: string;
  email: string;
}

/** A program with a token of another issuer: nothing else says which of its jobs it was. */
export type ProgramFields = Pick<AskerFields, "issuer" | "subject" | "linked_application"> &
  ByGrantFields;

/** What a stream was asked for, and by whom. */
export type StreamFields = ApplicationRequestFields & AskerFields;

/** A page, or its words as text or JSON, that says what went wrong and shows the ray id. */
export interface ErrorPageFields {
  method: string;
  host: string;
  /** without the query */
  path: string;
  status: number;
  /** what the page says */
  reason: string;
}

/** What a provider, or what lies between it and the gateway, says of a failure. */
export interface ProviderReport {
  /** of OAuth: `invalid_client` */
  oauth_error?: string;
  oauth_description?: string;
  /** of the answer */
  status?: number;
  /** without its query */
  url?: string;
  /** the innermost: `ECONNREFUSED`, `CERT_HAS_EXPIRED` */
  cause?: string;
  /** what was compared, with what it should have been and what it was */
  claim?: string;
  expected?: string;
  received?: string;
}

/** Why a provider proves nobody. */
export interface ProviderFault extends ProviderReport {
  provider: string;
  /** the class of the fault, which the page follows */
  fault: string;
  detail: string;
}

/** Somebody signs in, and the operator should know this of the provider. */
export interface SignInWarning extends ProviderReport {
  warning: "userinfo_failed" | "claims_unknown" | "clock_differs";
  detail: string;
  /** that the provider says nothing usable about: rules on them cannot be judged */
  claims?: readonly string[];
  /** by which the provider's clock is ahead; negative: behind */
  seconds?: number;
}

/** By which grant somebody asks in a person's name. */
export interface ByGrantFields {
  /** its id */
  grant?: string;
  /** what the terminal that asked for it calls itself */
  label?: string;
}

/** Who asks, where that is known. */
export interface AskerFields extends ByGrantFields {
  /** of a person */
  email?: string;
  /** of a service token */
  client_id?: string;
  /** of a program with a token of another issuer: its `iss` and `sub`, verified */
  issuer?: string;
  subject?: string;
  /** name of the application whose origin asks in the person's name */
  linked_application?: string;
}

/** Why a request did not pass: the outcome, and what led to it as precisely as is known. */
export interface RefusalFields extends AskerFields {
  outcome: string;
  /** what is wrong with the credential */
  fault: string | undefined;
  /** what is wrong with a service token, more precisely */
  cause?: string;
  /** what policy says */
  reason: string | undefined;
  /** name of the policy that decided */
  policy: string | undefined;
  /** of the page that wanted a WebSocket, where it was refused for that */
  origin?: string;
  /** names of those that are about something that is unknown of the person */
  unjudged_policies?: string[];
}

/** What the gateway does by itself, now and then. */
export const housekeepingTasks = [
  "refresh",
  "sweep",
  "rotate_keys",
  "future_dates",
  "token_uses",
  "service_tokens",
] as const;
export type HousekeepingTask = (typeof housekeepingTasks)[number];

export type EventName = keyof EventFields;

/** One event: its name, and its fields beside it. */
export type GatewayEvent = { [Name in EventName]: { event: Name } & EventFields[Name] }[EventName];

/** Events that are counted and kept elsewhere: a line of the log would say nothing more. */
const unloggedEvents = [
  "access_decided",
  "certificates_in_force",
  "housekeeping_done",
  "pin_sent",
  "provider_asked",
] as const;

/** An event that the log has a line for. */
export type LoggedEvent = Exclude<GatewayEvent, { event: (typeof unloggedEvents)[number] }>;

/** Whether the log has a line for it. */
export function isLogged(event: GatewayEvent): event is LoggedEvent {
  return !(unloggedEvents as readonly EventName[]).includes(event.event);
}

/** Writes an event down. Never throws, never waits. */
export type RecordEvent = (event: GatewayEvent) => void;

/**
 * An error as one event field: with its stack, since it is a fault of ours. What ails the store is
 * none, and says what to do.
 */
export function stackOf(error: unknown): string {
  if (error instanceof StoreUnavailableError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
