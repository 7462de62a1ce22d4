import type { Context } from "hono";
import type { RequestFacts } from "../catalog/request-facts.ts";

/**
 * What Hono's context holds on each request. `createLogin` binds the facts of the data path, and
 * the handlers read them as a variable.
 */
export interface LoginEnv {
  Bindings: { facts: RequestFacts };
  Variables: { facts: RequestFacts };
}

/** One request to the sign-in, and the answer that is being made. */
export type LoginContext = Context<LoginEnv>;
