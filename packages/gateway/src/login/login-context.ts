import type { Context } from "hono";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { RecordEvent, RequestFields } from "../observe/events.ts";

/**
 * What Hono's context holds on each request. `createLogin` binds the facts of the data path, and
 * the handlers read them as a variable. `isWritten` says how the answer fares (web-exchange.ts).
 * Pages record with `record` that they were shown.
 */
export interface LoginEnv {
  Bindings: { facts: RequestFacts; isWritten: Promise<boolean> };
  Variables: { facts: RequestFacts; record: RecordEvent };
}

/** One request to the sign-in, and the answer that is being made. */
export type LoginContext = Context<LoginEnv>;

/** The request that an event belongs to. */
export function requestFields({ rayId, clientIp }: RequestFacts): RequestFields {
  return { ray: rayId, ip: clientIp };
}
