// Polls the relay until somebody has approved, and reads why it ended otherwise (wire-protocol
// 6.6).
import { setTimeout as pause } from "node:timers/promises";
import { encodeTransferKey } from "@postern/protocol";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send, TimeoutError } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import { printable } from "../printable.ts";
import type { Application } from "../store/known-hosts.ts";

const mostPolls = 10;
const pollTimeout = 60_000;
const pauseAfterFailure = 1_000;
const largestBox = 64 * 1024;

/**
 * Polls until there is an answer. The gateway holds every poll open, so there is no pause between
 * two.
 * @param publicKey names the mailbox
 * @param timeout milliseconds
 * @returns the answer with the sealed box
 * @throws {CliError} login_refused | login_timeout | refused_by_policy | unreachable | failure
 */
export async function pollRelay(
  context: Context,
  application: Application,
  publicKey: Uint8Array,
  timeout: number,
): Promise<HttpResponse> {
  const url = new URL(application.relay + encodeTransferKey(publicKey));
  const deadline = Date.now() + timeout;
  let lastFailure: CliError | undefined;
  for (let poll = 0; poll < mostPolls && Date.now() < deadline; poll++) {
    const outcome = await pollOnce(context, url, deadline);
    if (outcome.kind === "answer") return readAnswer(application, outcome.response);
    lastFailure = outcome.kind === "failure" ? outcome.error : undefined;
    // A connection that fails at once must not use up all polls in a second.
    if (lastFailure !== undefined) await pauseUntil(deadline);
  }
  throw lastFailure ?? notApproved(application, "start it again");
}

/** Never beyond the deadline. */
async function pauseUntil(deadline: number): Promise<void> {
  const left = Math.max(0, deadline - Date.now());
  await pause(Math.min(pauseAfterFailure, left));
}

type PollOutcome =
  | { kind: "answer"; response: HttpResponse }
  /** nobody has approved yet */
  | { kind: "silence" }
  /** the relay could not be reached just now */
  | { kind: "failure"; error: CliError };

async function pollOnce(context: Context, url: URL, deadline: number): Promise<PollOutcome> {
  const timeout = Math.max(1, Math.min(pollTimeout, deadline - Date.now()));
  try {
    const response = await send(context, { method: "GET", url, timeout, limit: largestBox });
    if (response.status === 204 || response.status === 429) return { kind: "silence" };
    return { kind: "answer", response };
  } catch (error) {
    if (error instanceof TimeoutError) return { kind: "silence" };
    if (error instanceof CliError && error.code === "unreachable")
      return { kind: "failure", error };
    throw error;
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
  if (status === 410) return endedLogin(application, parseJsonObject(body)?.["error"]);
  return new CliError(
    "failure",
    `${new URL(application.relay).origin} refused to hand over the token (status ${status}); ${again}`,
  );
}

/** @param word why, in the gateway's one word; not a text where the answer was no JSON */
function endedLogin(application: Application, word: unknown): CliError {
  const { app_hostname } = application;
  const attempt = `the sign-in to ${app_hostname}`;
  switch (word) {
    case "policy":
      return new CliError(
        "refused_by_policy",
        `policy does not let the person who signed in reach ${app_hostname}; ask its owner`,
      );
    case "refused":
      return new CliError("login_refused", `${attempt} was refused on the approval page`);
    case "expired":
      return notApproved(application, again);
    case "address":
      return new CliError(
        "login_refused",
        `${attempt} ended because this machine's address changed meanwhile; ${again}`,
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
