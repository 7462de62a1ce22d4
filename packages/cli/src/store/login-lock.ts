// One login at a time for each team domain and profile: of many processes that need one, the first
// opens the browser and the others wait for it (case C14). The lock is a file made whole in one
// step, so that nobody reads half of one; it names its owner, so that a lock whose owner is dead is
// taken over (case C13).
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError, type FailureCode } from "../exit-status.ts";
import type { Application } from "./known-hosts.ts";
import {
  isDead,
  isSameOwner,
  type LockRecord,
  ownerToCome,
  ownRecord,
  readLock,
  removeDead,
} from "./lock-record.ts";
import {
  attemptWrite,
  createPrivateFile,
  fileNameOf,
  readPrivateJson,
  removeFile,
  type UnwritableError,
  writePrivateFile,
} from "./private-files.ts";

export interface LoginLock {
  /** shows the others where the login is, and the code that its page must show */
  announce(url: string, code?: string): void;
  /**
   * tells the others why there is no token, so that they do not ask the person again one after
   * another
   */
  failed(code: FailureCode, message: string): void;
  /** somebody answered: how earlier logins ended does not matter any more */
  answered(): void;
  release(): void;
}

/** How the last login of the lock ended without a token. */
interface Outcome {
  /** milliseconds since the epoch */
  at: number;
  /** AUD of the application that was to be signed in to */
  aud: string;
  code: FailureCode;
  message: string;
  /** how many logins in a row nobody has answered */
  unanswered: number;
}

const interval = 150;

/** Milliseconds after the first login that nobody answered; it doubles with each that follows. */
const shortestRest = 15 * 60_000;
const longestRest = 8 * 3600_000;

/**
 * For how long nobody is asked again who is not at a terminal, milliseconds; 0 when they may be.
 * Where nobody answered, the next command of a script would open one more window that nobody sees.
 */
export function restOfUnanswered(context: Context, team: string): number {
  const { at = 0, unanswered = 0 } = readOutcome(context, lockFile(context, team));
  if (unanswered < 1) return 0;
  const rest = Math.min(shortestRest * 2 ** (unanswered - 1), longestRest);
  const age = context.now() - at;
  // One "from the future" is one from before the clock was set back.
  return age < 0 ? 0 : Math.max(0, rest - age);
}

/**
 * Takes the lock; waits while somebody else has it.
 * @param isDone asked before every try; true when there is no need for a login any more
 * @param timeout milliseconds to wait for somebody else's login
 * @returns the lock, or undefined when `isDone`
 * @throws {CliError} what the login that was waited for failed with; login_timeout
 */
export async function takeLoginLock(
  context: Context,
  { team, aud }: Pick<Application, "team" | "aud">,
  isDone: () => boolean,
  timeout: number,
): Promise<LoginLock | undefined> {
  const path = lockFile(context, team);
  const deadline = performance.now() + timeout;
  const earlierOutcome = readOutcome(context, path);
  let hasWaited = false;
  let shownUrl: string | undefined;
  for (;;) {
    // 1. The login that was waited for may have brought a token, or an answer for everybody.
    if (isDone()) return undefined;
    if (hasWaited) throwOutcome(readOutcome(context, path), earlierOutcome, aud);
    // 2. Take the lock, unless somebody has it.
    const record = ownRecord(context);
    const attempt = createLock(context, path, record);
    if (attempt === true) return new OwnedLock(context, path, aud, record);
    // 3. A lock that is gone by now, or was left by a dead process, is no reason to wait.
    const owner = readLock(context, path);
    const isFree = owner === undefined || isDead(owner, context.now());
    if (isFree && attempt !== false) return withoutLock(context, attempt);
    if (owner === undefined) continue;
    if (isFree && removeDead(context, path, owner)) continue;
    if (owner === ownerToCome) {
      await pause(interval);
      continue;
    }
    // 4. Tell the person who is signing in, and where: each of them once.
    if (!hasWaited)
      context.tell(`Another process (${owner.pid}) is signing in at ${team}; waiting for it.`);
    if (owner.url !== undefined && owner.url !== shownUrl)
      tellWhere(context, owner.url, owner.code);
    shownUrl = owner.url ?? shownUrl;
    hasWaited = true;
    // 5. Wait, but not for ever.
    if (performance.now() >= deadline) throw stillSigningIn(owner, team);
    await pause(interval);
  }
}

/** @returns whether it was free, or why none can be made */
function createLock(context: Context, path: string, record: LockRecord): boolean | UnwritableError {
  let isOurs = false;
  const fault = attemptWrite(() => {
    isOurs = createPrivateFile(context.home, path, JSON.stringify(record));
  });
  return fault ?? isOurs;
}

/**
 * A full or read-only disk takes no lock and no token, but one command can be served: the others
 * cannot see that the person is asked.
 */
function withoutLock(context: Context, fault: UnwritableError): LoginLock {
  context.tell(
    `Warning: other commands cannot wait for this sign-in, and it may not be stored: ${fault.message}`,
  );
  return { announce: () => {}, failed: () => {}, answered: () => {}, release: () => {} };
}

function tellWhere(context: Context, url: string, code: string | undefined): void {
  context.tell(`Approve it at ${url}`);
  if (code !== undefined) context.tell(`Approve it only if the page shows this code: ${code}`);
}

function lockFile({ home, profile }: Context, team: string): string {
  return join(home, "locks", `${fileNameOf(profile)}-${fileNameOf(team)}.lock`);
}

function outcomeFile(lock: string): string {
  return `${lock}.outcome`;
}

function stillSigningIn({ pid }: LockRecord, team: string): CliError {
  return new CliError(
    "login_timeout",
    `another process (${pid}) is still signing in at ${team}; try again when it has ended`,
  );
}

function readOutcome(context: Context, path: string): Partial<Outcome> {
  return readPrivateJson(context.home, outcomeFile(path)) ?? {};
}

/**
 * A person who said no, or is not there, is not asked once more by everybody who waited.
 * @param earlier what was there when the wait began: it is none of ours, whatever the clock says
 */
function throwOutcome(outcome: Partial<Outcome>, earlier: Partial<Outcome>, aud: string): void {
  const { code = "failure", message } = outcome;
  const isNew = JSON.stringify(outcome) !== JSON.stringify(earlier);
  const concernsAll = code === "login_refused" || code === "login_timeout";
  if (isNew && (concernsAll || outcome.aud === aud)) throw new CliError(code, String(message));
}

/** By which a person, a terminal that closes and a supervisor end a process. */
const endings = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

class OwnedLock implements LoginLock {
  readonly #context: Context;
  readonly #path: string;
  readonly #aud: string;
  readonly #record: LockRecord;
  #isReleased = false;

  constructor(context: Context, path: string, aud: string, record: LockRecord) {
    this.#context = context;
    this.#path = path;
    this.#aud = aud;
    this.#record = record;
    // Also when the process ends by an uncaught error or an explicit exit.
    process.on("exit", this.release);
    for (const signal of endings) process.on(signal, this.#endBy);
  }

  announce(url: string, code?: string): void {
    const record: LockRecord = { ...this.#record, url, ...defined({ code }) };
    this.#tellOthers(this.#path, record);
  }

  failed(code: FailureCode, message: string): void {
    const { unanswered: before = 0 } = readOutcome(this.#context, this.#path);
    const unanswered = code === "login_timeout" ? before + 1 : 0;
    const outcome: Outcome = { at: this.#context.now(), aud: this.#aud, code, message, unanswered };
    this.#tellOthers(outcomeFile(this.#path), outcome);
    this.release();
  }

  answered(): void {
    attemptWrite(() => removeFile(outcomeFile(this.#path)));
    this.release();
  }

  /** What cannot be written is not told: a full disk ends no login. */
  #tellOthers(path: string, record: LockRecord | Outcome): void {
    attemptWrite(() => writePrivateFile(this.#context.home, path, JSON.stringify(record)));
  }

  /**
   * A signal ends the process as if nobody had listened. Without this, a home that machines or
   * containers share would keep the lock for as long as a login may take.
   */
  readonly #endBy = (signal: NodeJS.Signals): void => {
    this.release();
    process.kill(process.pid, signal);
  };

  /** Bound, because the process calls it too. */
  readonly release = (): void => {
    if (this.#isReleased) return;
    this.#isReleased = true;
    process.off("exit", this.release);
    for (const signal of endings) process.off(signal, this.#endBy);
    // Only our own: after an overlong login somebody may have taken it over.
    const current = readLock(this.#context, this.#path);
    if (isSameOwner(current, this.#record)) attemptWrite(() => removeFile(this.#path));
  };
}
