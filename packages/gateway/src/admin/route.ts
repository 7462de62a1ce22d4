// What a route of the admin API is: what it answers to, who may ask, and what it answers. Its
// schemas describe it as well (openapi.ts).
import type { z } from "zod";
import type { ApiError, ErrorName } from "./error-codes.ts";
import { apiError, errorCodes } from "./error-codes.ts";
import type { Permission } from "./permissions.ts";
import type { AdminToken } from "./tokens/admin-tokens.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One way to use the API. */
export interface Route extends RouteDescription {
  method: Method;
  /** below the account: "/access/groups/:id". What is fixed wins over a parameter. */
  path: string;
  /** absent: any token will do */
  permission?: Permission;
  /** what a token needs beside: the answer is about more than one area */
  alsoNeeds?: readonly Permission[];
  /** of the body, bytes; default 1 MiB */
  longestBody?: number;
  /** @throws what is a fault of ours: the client gets a 500, or a 503 where the store is away */
  handle(call: Call): Answer | Promise<Answer>;
}

/** All that a token needs for a route. */
export function permissionsOf({
  permission,
  alsoNeeds = [],
}: Pick<Route, "permission" | "alsoNeeds">): Permission[] {
  return permission === undefined ? [] : [permission, ...alsoNeeds];
}

/** What the description of the API says of a route. */
export interface RouteDescription {
  /** one line, such as "List groups" */
  summary: string;
  /** of the query */
  query?: z.ZodObject;
  /** of the body; absent: none is read */
  body?: z.ZodType;
  /** of `result`; absent: any */
  result?: z.ZodType;
  /** of the answer where all is well; default 200 */
  status?: 200 | 201 | 202;
}

/** One request that may be answered: whoever asks has the permission. */
export interface Call {
  /** by the names in the path, decoded */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** parsed JSON; undefined where there is none */
  body: unknown;
  token: AdminToken;
  ray: string;
  /** the client's address; "" on a Unix socket */
  ip: string;
}

/** What a route answers. */
export type Answer = Success | Failure;

export interface Success {
  ok: true;
  status: number;
  result: unknown;
  /** of a list */
  resultInfo?: ResultInfo;
  /** what is hardly meant */
  messages?: readonly ApiError[];
}

export interface Failure {
  ok: false;
  status: number;
  /** one or more */
  errors: readonly ApiError[];
}

/** How a list is divided. */
export interface ResultInfo {
  page: number;
  per_page: number;
  count: number;
  total_count: number;
  total_pages: number;
}

/** All is well. */
export function succeed(result: unknown, status = 200): Success {
  return { ok: true, status, result };
}

/** It is refused for one reason. @param message default: the words of the table */
export function fail(name: ErrorName, message?: string, pointer?: string): Failure {
  const [, status] = errorCodes[name];
  return { ok: false, status, errors: [apiError(name, message, pointer)] };
}
