// One local connection through the gateway, from its first byte to its last. What breaks before
// anything was carried is opened again; what breaks later cannot be, for bytes are lost.
import { setTimeout as pause } from "node:timers/promises";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { OpenWebSocket } from "../net/websocket-dial.ts";
import { carry, type LocalSide, type StreamEnd } from "./carry.ts";
import { openStream, RefusedStream, type StreamTarget } from "./open-stream.ts";
import type { Log } from "./stream-log.ts";

/** What every connection of one command shares. */
export interface RelayParts {
  context: Context;
  target: StreamTarget;
  log: Log;
}

/** Streams for one connection, at most. */
const mostStreams = 3;
/** Milliseconds between dials of a gateway that was there before. */
const pauses = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * Carries the local side until it has ended.
 * @param isPatient the gateway was there before: it may be on its way back
 * @param signal cuts it, whatever is under way
 * @throws {CliError} where no stream opens; any code but usage
 */
export async function relay(
  parts: RelayParts,
  local: LocalSide,
  isPatient: boolean,
  signal: AbortSignal,
): Promise<StreamEnd> {
  let remote = await openFor(parts, isPatient, signal);
  for (let streams = 1; ; streams++) {
    const stream = carry(local, remote);
    signal.addEventListener("abort", () => stream.cut(), { once: true });
    if (signal.aborted) stream.cut();
    const end = await stream.ended;
    if (end.ok || !end.isFresh || streams === mostStreams) return end;
    const { reason } = end;
    const message = `${parts.target.app.host}: ${reason}; connecting again`;
    parts.log("warn", message, { event: "reconnecting", reason });
    remote = await openFor(parts, true, signal);
  }
}

async function openFor(
  { context, target, log }: RelayParts,
  isPatient: boolean,
  signal: AbortSignal,
): Promise<OpenWebSocket> {
  if (!isPatient) return openStream(context, target, signal);
  for (const milliseconds of pauses) {
    try {
      return await openStream(context, target, signal);
    } catch (error) {
      if (!mayComeBack(error) || signal.aborted) throw error;
      const { message: reason } = error;
      log("warn", `${reason}; trying again`, { event: "reconnecting", reason });
      await pause(milliseconds, undefined, { ref: true });
    }
  }
  return openStream(context, target, signal);
}

/** Whether the gateway could not be reached at all, which may be over in a moment. */
function mayComeBack(error: unknown): error is CliError {
  if (!(error instanceof CliError) || error instanceof RefusedStream) return false;
  return error.code === "unreachable";
}
