// One structured line per event, on standard error; words instead for a person at a terminal.
// Fields that could hold a credential never get here; the redaction is the second line of defence,
// not the first.
import { isatty } from "node:tty";
import pino from "pino";
import { type HousekeepingTask, isLogged, type LoggedEvent, type RecordEvent } from "./events.ts";
import { LogOutput } from "./log-output.ts";
import { type TextStyle, textOfLine } from "./log-text.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

type LoggedEventName = LoggedEvent["event"];

type LineLevel = Exclude<LogLevel, "silent">;

const secretFields = [
  "token",
  "secret",
  "client_secret",
  "pin",
  "cookie",
  "authorization",
  "nonce",
  "code",
];

/** The level and the words of each event's line. */
const lines: Record<LoggedEventName, [LineLevel, string]> = {
  gateway_started: ["info", "the gateway is up"],
  applications_listed: ["info", "these applications are served"],
  worker_ready: ["info", "a worker process is ready"],
  worker_ended: ["error", "a worker process ended; another takes its place"],
  workers_behind: [
    "warn",
    "some workers have not applied the changed configuration yet; they go on trying",
  ],
  gateway_ending: ["info", "the gateway is shutting down: it waits for requests in progress"],
  gateway_cut: [
    "warn",
    "interrupted again: the gateway stops now and cuts off requests in progress",
  ],
  configuration_warning: ["warn", "the configuration has a warning"],
  configuration_applied: ["info", "the changed configuration is in effect"],
  configuration_unchanged: ["info", "the configuration and the files it names have not changed"],
  configuration_refused: [
    "error",
    "the changed configuration was not applied; the previous one stays in effect",
  ],
  objects_removed: ["warn", "these objects are no longer in the configuration and were removed"],
  file_overruled: [
    "warn",
    "another gateway on this store has a different configuration file, and these objects follow that file; give both gateways the same file",
  ],
  other_file_overruled: [
    "warn",
    "these objects in the store came from a different configuration file and were replaced; if another gateway runs with that file, give both gateways the same file",
  ],
  restart_needed: ["warn", "these fields take effect when the gateway is restarted"],
  folder_unwatched: [
    "warn",
    "changes in this folder are not detected; restart the gateway after a change",
  ],
  certificates_reloaded: ["info", "the certificates were reloaded"],
  certificates_refused: [
    "error",
    "the changed certificates cannot be used; the previous ones stay in effect",
  ],
  countries_loaded: ["info", "the database of countries was loaded"],
  countries_refused: [
    "error",
    "the database of countries cannot be used; the one before stays in effect, or no country is known",
  ],
  certificate_not_valid: ["warn", "a certificate in use is not valid today"],
  store_unreachable: [
    "error",
    "the database cannot be reached: nobody can sign in, and known sessions are served for limits.store_grace",
  ],
  store_grace_over: [
    "error",
    "the database has been unreachable for longer than limits.store_grace: requests that need a session get 503",
  ],
  store_reachable: ["warn", "the database can be reached again"],
  housekeeping_failed: ["error", "a background task of the gateway failed"],
  sessions_from_future: [
    "warn",
    "sessions dated in the future by a clock that was ahead were ended; these people must sign in again",
  ],
  service_token_expiring: ["warn", "a service token ends soon; refresh it, or let it go"],
  service_token_unused: [
    "warn",
    "nobody has used this service token for as long as service_token_inactivity says",
  ],
  events_left_out: ["warn", "more events of this kind occurred than were logged"],
  log_lines_lost: ["error", "the log could not be written for a while, and lines are missing"],
  access_log_delayed: ["error", "the store does not take rows of the access log; they wait"],
  access_log_rows_lost: ["warn", "rows of the access log are missing"],
  traces_lost: ["warn", "spans did not reach the collector of otlp.endpoint"],
  access_log_export_failed: ["error", "rows could not be written to log.export_file"],

  http2_ended: ["warn", "an HTTP/2 connection was ended because the client broke the protocol"],
  request_passed: ["info", "a request was let through"],
  request_cut: ["info", "a request ended before it was answered completely"],
  stream_ended: ["info", "an open stream was ended"],
  // People without a session are everyday life.
  request_challenged: ["debug", "a request needs a sign-in"],
  request_refused: ["info", "a request was refused"],
  request_failed: ["error", "a request failed"],
  origin_failed: ["warn", "an origin did not answer"],
  origin_distrusted: [
    "warn",
    "an origin sent bytes after the end of a response; for a while, each of its connections serves one request",
  ],

  error_page_shown: ["info", "an error page was shown"],
  sign_in_page_failed: ["error", "a sign-in page failed"],
  answer_failed: ["error", "a request could not be answered"],
  signed_in: ["info", "a person signed in"],
  sign_in_failed: ["warn", "a sign-in failed"],
  sign_in_warning: ["warn", "a sign-in revealed a problem with the identity provider"],
  sign_in_denied: ["info", "policy refused a person at sign-in"],
  let_in: ["info", "a person was let in"],
  hand_over_refused: [
    "warn",
    "a sign-in returned to the application in another browser, or too late",
  ],
  provider_unusable: ["warn", "an identity provider cannot be used as configured"],
  issuer_unusable: ["warn", "the keys of an issuer of programs' tokens cannot be fetched"],
  pin_refused: ["warn", "a PIN was refused"],
  pin_not_sent: ["info", "no PIN was sent: no policy can let this address in"],
  mail_missing: ["error", "a PIN was requested, but no mail server is configured (smtp)"],
  mail_delayed: [
    "warn",
    "the mail server did not accept a PIN for now; delivery will be tried again",
  ],
  mail_failed: ["error", "the mail server did not accept a PIN"],

  terminal_approved: ["info", "a terminal was approved"],
  grant_approved: ["info", "a grant was approved"],
  grant_ended: ["info", "a person ended a grant"],
  terminal_denied: ["info", "a terminal was denied"],
  terminal_ended: ["info", "a person ended the session of a terminal they had approved"],
  terminal_refused_by_policy: ["warn", "a terminal was refused by policy"],
  transfer_ended: ["warn", "a terminal's sign-in was polled from a second address and was ended"],
  poll_refused: ["warn", "a terminal's poll was refused"],
  poll_not_released: ["debug", "the end of a poll could not be recorded"],
  delivery_not_noted: ["error", "a terminal has its tokens, but its mailbox could not be emptied"],
  pass_issued: ["info", "a pass was issued"],
  ssh_certificate_signed: ["info", "an SSH certificate was signed"],
  ssh_certificate_refused: ["info", "a person was refused an SSH certificate"],

  admin_answered: ["info", "the admin API answered"],
  admin_refused: ["warn", "the admin API refused a request"],
  admin_failed: ["error", "a request for the admin API failed"],
  admin_changed: ["info", "an administrator made a change"],
};

/** The events that have a line. */
export const loggedEvents = Object.keys(lines) as LoggedEventName[];

const tooManyLogins =
  "more terminals on one network started to sign in than limits.terminal_logins allows";

const failedTasks: Record<HousekeepingTask, string> = {
  refresh: "reading the changed store failed",
  sweep: "removing expired records failed",
  rotate_keys: "rotating the signing key failed",
  token_uses: "noting when service tokens were used failed",
  future_dates: "correcting dates from a clock that was ahead failed",
  service_tokens: "looking after unused and ending service tokens failed",
};

/** As the configuration says it; `auto`: words on a terminal, JSON elsewhere. */
export type LogFormat = "auto" | "text" | "json";

/** How the log is written. */
export interface LogOptions {
  level: LogLevel;
  /** default `auto` */
  format?: LogFormat;
  /** whether NO_COLOR is set, or the terminal knows no colours */
  plain: boolean;
  /** number of this process, where there are several */
  worker?: number;
}

/** A log that takes events, and lines of other processes. */
export interface Log {
  record: RecordEvent;
  /** Writes whole lines that the log of another process wrote as JSON, or whatever else it said. */
  relay(lines: string): void;
}

/**
 * Writes events of `level` and above to standard error: one JSON object a line, or words for a
 * person. A log that cannot be written keeps the gateway from nothing (log-output.ts).
 */
export function createLog(options: LogOptions): RecordEvent {
  return openLog(options).record;
}

/** As `createLog`, for a process that has others write through it. */
export function openLog({ level, format = "auto", plain, worker }: LogOptions): Log {
  const output = new LogOutput((count) => record({ event: "log_lines_lost", lines: count }));
  const isOnTerminal = isatty(2);
  const isText = format === "text" || (format === "auto" && isOnTerminal);
  const style = { width: columns(isOnTerminal), colour: isOnTerminal && !plain };
  const logger = pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secretFields, censor: "(cut out)" },
    },
    { write: (line) => writeLine(line) },
  );
  const writeLine = (line: string) => output.write(isText ? textOfLine(line, style) : line);
  const record: RecordEvent = (event) => {
    if (!isLogged(event)) return;
    logger[lines[event.event][0]](bounded(event), messageOf(event));
  };
  return {
    record,
    relay(text) {
      if (!isText) output.write(text);
      else for (const line of text.split(/(?<=\n)/)) output.write(textOfAny(line, style));
    },
  };
}

/** A line of the log in words; what is none, such as the last words of a process, as it is. */
function textOfAny(line: string, style: TextStyle): string {
  try {
    return textOfLine(line, style);
  } catch {
    return line;
  }
}

const columnsWithoutTerminal = 80;

function columns(isOnTerminal: boolean): number {
  // Elsewhere than on a terminal, the stream would make the descriptor another one.
  return (isOnTerminal && process.stderr.columns) || columnsWithoutTerminal;
}

/** Characters of one field: most are the client's words, and may be a whole head long. */
const fieldLimit = 4_096;

/** The event with each text that is too long cut off, and how much of it is missing. */
function bounded(event: LoggedEvent): object {
  const isLong = (value: unknown) => typeof value === "string" && value.length > fieldLimit;
  if (!Object.values(event).some(isLong)) return event;
  const fields = Object.entries(event).map(([name, value]) => [name, cutOff(value)]);
  return Object.fromEntries(fields) as object;
}

function cutOff(value: unknown): unknown {
  if (typeof value !== "string" || value.length <= fieldLimit) return value;
  return `${value.slice(0, fieldLimit)}… (${value.length - fieldLimit} more characters)`;
}

function messageOf(event: LoggedEvent): string {
  switch (event.event) {
    case "configuration_warning":
      return event.warning;
    case "poll_refused":
      return event.error === "too_many_logins" ? tooManyLogins : lines.poll_refused[1];
    case "housekeeping_failed":
      return failedTasks[event.task];
    default:
      return lines[event.event][1];
  }
}
