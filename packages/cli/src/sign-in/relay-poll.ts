// Polls the relay until somebody has approved, and reads why it ended otherwise (wire-protocol
// 6.6). Connections may die without a word and gateways are restarted: the wait outlives both, and
// the box stays in the mailbox until its arrival is confirmed.
import { setTimeout as pause } from "node:timers/promises";
import { encodeTransferKey, headers } from "@postern/protocol";
import { printable } from "@postern/protocol/printable";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send, TimeoutError } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import type { Application } from "../store/known-hosts.ts";

/** Polls that the gateway held and answered with nothing. */
const mostSilentPolls = 10;
/** The gateway holds a poll for 50 s: an answer that is overdue comes from a dead connection. */
const longestPoll = 60_000;
const pauseAfterFailure = 1_000;
const largestBox = 64 * 1024;
/** What a proxy answers whose gateway is being restarted. */
const passingFailures = new Set([502, 503, 504]);
const mostConfirmations = 2;
const confirmationTimeout = 2_000;

/** The mailbox of this sign-in. */
export interface Mailbox {
  application: Application;
  url: URL;
}

/** @param publicKey names the mailbox */
export function mailboxOf(application: Application, publicKey: Uint8Array): Mailbox {
  return { application, url: new URL(application.relay + encodeTransferKey(publicKey)) };
}

const steps = ["none", "opened", "signed_in"] as const;

/** How far the person at the browser has come; `email` where the gateway may say who it is. */
export interface Progress {
  step: (typeof steps)[number];
  email?: string;
}

/**
 * Polls until there is an answer. The gateway holds every poll open, so there is no pause between
 * two. While it is away, for a restart, the wait goes on.
 * @param options `timeout` in milliseconds; `onProgress` is told of each step at the browser once
 * @returns the answer with the sealed box
 * @throws {CliError} login_refused | login_timeout | refused_by_policy | unreachable | failure
 */
export async function pollRelay(
  context: Context,
  mailbox: Mailbox,
  { timeout, onProgress }: { timeout: number; onProgress?: (progress: Progress) => void },
): Promise<HttpResponse> {
  const deadline = performance.now() + timeout;
  let silentPolls = 0;
  let lastFailure: CliError | undefined;
  let known: Progress = { step: "none" };
  while (silentPolls < mostSilentPolls && performance.now() < deadline) {
    const outcome = await pollOnce(context, mailbox, { deadline, known });
    switch (outcome.kind) {
      case "progress":
        known = outcome.progress;
        lastFailure = undefined;
        onProgress?.(known);
        break;
      case "answer":
        return readAnswer(mailbox.application, outcome.response);
      case "silence":
        silentPolls += 1;
        lastFailure = undefined;
        break;
      case "failure":
        if (lastFailure === undefined) tellOfFailure(context, outcome.error);
        lastFailure = outcome.error;
        await pauseUntil(deadline);
    }
  }
  throw lastFailure ?? notApproved(mailbox.application, "start it again");
}

function tellOfFailure(context: Context, { message }: CliError): void {
  context.tell(`Still waiting for the approval, but ${message}.`);
}

/** Never beyond the deadline. */
async function pauseUntil(deadline: number): Promise<void> {
  const left = Math.max(0, deadline - performance.now());
  await pause(Math.min(pauseAfterFailure, left));
}

type PollOutcome =
  | { kind: "answer"; response: HttpResponse }
  /** nobody has approved yet, and something has happened */
  | { kind: "progress"; progress: Progress }
  /** nobody has approved yet */
  | { kind: "silence" }
  /** the relay could not be reached just now, or does not hold this poll */
  | { kind: "failure"; error: CliError };

/** One poll, on a connection of its own. */
async function pollOnce(
  context: Context,
  mailbox: Mailbox,
  { deadline, known }: { deadline: number; known: Progress },
): Promise<PollOutcome> {
  const { url } = mailbox;
  const timeout = Math.max(1, Math.min(longestPoll, deadline - performance.now()));
  const waking = new AbortController();
  const stopWatching = watchForSleep(context, () => waking.abort());
  try {
    const response = await send(context, {
      method: "GET",
      url,
      headers: extensionsFor(mailbox, known),
      timeout,
      limit: largestBox,
      signal: waking.signal,
    });
    return outcomeOf(url, response, known);
  } catch (error) {
    if (error instanceof TimeoutError) return { kind: "silence" };
    if (error instanceof CliError && error.code === "unreachable")
      return { kind: "failure", error };
    throw error;
  } finally {
    stopWatching();
  }
}

function outcomeOf({ origin }: URL, response: HttpResponse, known: Progress): PollOutcome {
  const { status } = response;
  if (status === 204) return { kind: "silence" };
  if (status === 202) return progressIn(response, known) ?? { kind: "silence" };
  if (status === 429) {
    const why = `${origin} has too many unfinished sign-ins from this network (status 429)`;
    const error = new CliError("login_timeout", `${why}; try again in a few minutes`);
    return { kind: "failure", error };
  }
  if (passingFailures.has(status)) {
    const why = `${origin} cannot answer right now (status ${status})`;
    return { kind: "failure", error: new CliError("unreachable", `${why}; try again later`) };
  }
  return { kind: "answer", response };
}

/** @returns undefined where the answer says nothing new */
function progressIn({ body }: HttpResponse, known: Progress): PollOutcome | undefined {
  const { step: word, email } = parseJsonObject(body) ?? {};
  const step = steps.find((each) => each === word);
  if (step === undefined || steps.indexOf(step) <= steps.indexOf(known.step)) return undefined;
  const progress = { step, ...defined({ email: typeof email === "string" ? email : undefined }) };
  return { kind: "progress", progress };
}

const watchInterval = 1_000;
const shortestSleep = 5_000;

/**
 * Calls back when this machine has slept: the clock of the wall has gone on and the monotonic one
 * has not. A connection from before may be dead without a word. A step of the clock looks the same,
 * and costs a new connection.
 * @returns stops it
 */
function watchForSleep({ now }: Pick<Context, "now">, wake: () => void): () => void {
  const start = now() - performance.now();
  const timer = setInterval(() => {
    if (Math.abs(now() - performance.now() - start) > shortestSleep) wake();
  }, watchInterval);
  return () => clearInterval(timer);
}

/** What is ours in a poll: that the box will be confirmed, and which step is known. */
function extensionsFor(mailbox: Mailbox, { step }: Progress): Record<string, string> {
  if (!willConfirm(mailbox)) return {};
  return { [headers.transferConfirm]: "1", [headers.transferProgress]: step };
}

/** Cloudflare's relay is not on the team domain, and knows no confirmation. */
function willConfirm({ application, url }: Mailbox): boolean {
  return url.origin === application.team;
}

/**
 * Tells the gateway that the tokens have arrived, so that it empties the mailbox and the page says
 * so. One that does not know this extension, or is away, keeps the box until it expires.
 */
export async function confirmDelivery(context: Context, mailbox: Mailbox): Promise<void> {
  if (!willConfirm(mailbox)) return;
  const { url } = mailbox;
  for (let attempt = 1; attempt <= mostConfirmations; attempt++) {
    try {
      await send(context, { method: "DELETE", url, timeout: confirmationTimeout });
      return;
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (error instanceof TimeoutError) return;
      if (attempt < mostConfirmations) await pause(pauseAfterFailure);
    }
  }
}

function readAnswer(application: Application, response: HttpResponse): HttpResponse {
  if (response.status === 200) return response;
  throw relayFailure(application, response);
}

const again = "start it again with: postern access login";

function notApproved({ app_hostname }: Application, remedy: string): CliError {
  return new CliError(
    "login_timeout",
    `nobody approved the sign-in to ${app_hostname} in time; ${remedy}`,
  );
}

function relayFailure(application: Application, { status, body }: HttpResponse): CliError {
  if (status === 410) return endedLogin(application, parseJsonObject(body) ?? {});
  return new CliError(
    "failure",
    `${new URL(application.relay).origin} did not hand over the token (status ${status}); ${again}`,
  );
}

/** @param answer why, in the gateway's one word `error`; empty where the answer was no JSON */
function endedLogin(application: Application, answer: Record<string, unknown>): CliError {
  const { app_hostname } = application;
  const { error: word, email } = answer;
  const attempt = `the sign-in to ${app_hostname}`;
  switch (word) {
    case "policy":
      return new CliError(
        "refused_by_policy",
        `${personOf(email)} may not reach ${app_hostname}; ask its owner, or sign in as somebody else`,
      );
    case "refused":
      return new CliError("login_refused", `${attempt} was denied on the approval page`);
    case "expired":
      return notApproved(application, again);
    case "address":
      return new CliError(
        "login_refused",
        `${attempt} ended because this machine's IP address changed; ${again}`,
      );
    default: {
      const reason = typeof word === "string" ? ` (${printable(word.slice(0, 60))})` : "";
      return new CliError(
        "login_refused",
        `${attempt} was ended by the gateway${reason}; ${again}`,
      );
    }
  }
}

/** Whom policy refused, where the gateway may say it. */
function personOf(email: unknown): string {
  return typeof email === "string" ? printable(email.slice(0, 254)) : "the person who signed in";
}
