// Which route a request is for. A path is split and decoded once: what could be read in two ways
// (an empty segment, a dot segment, an escaped slash) is no path of the API (case O3).
import type { Method, Route } from "./route.ts";

/** A route, and what its parameters are here. */
export interface RouteMatch {
  route: Route;
  params: Record<string, string>;
}

/** What there is at a path. */
export type RouteSearch =
  | ({ ok: true } & RouteMatch)
  | { ok: false; fault: "no_route" }
  /** @property allowed what may be asked there */
  | { ok: false; fault: "bad_method"; allowed: readonly Method[] };

/** A branch of the tree of paths. */
interface Branch {
  fixed: Map<string, Branch>;
  /** what a parameter leads to, whatever each route calls it */
  parameter: Branch | undefined;
  routes: Map<Method, Route>;
}

/** Finds routes by their paths. */
export class Router {
  readonly #root = newBranch();

  /** @throws {Error} when two routes are the same */
  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  /** @param segments of the path, decoded */
  find(method: string, segments: readonly string[]): RouteSearch {
    const branch = findBranch(this.#root, segments);
    if (branch === undefined) return { ok: false, fault: "no_route" };
    // An answer to HEAD is that to GET without its body (RFC 9110 9.3.2).
    const route = branch.routes.get((method === "HEAD" ? "GET" : method) as Method);
    if (route === undefined)
      return { ok: false, fault: "bad_method", allowed: [...branch.routes.keys()] };
    return { ok: true, route, params: paramsOf(route, segments) };
  }

  #add(route: Route): void {
    let branch = this.#root;
    for (const name of segmentsOf(route.path)) branch = nextBranch(branch, name);
    if (branch.routes.has(route.method))
      throw new Error(`there are two routes ${route.method} ${route.path}`);
    branch.routes.set(route.method, route);
  }
}

/** Splits and decodes a path. @returns undefined when it could be read in two ways */
export function readSegments(path: string): string[] | undefined {
  if (!/^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+$/.test(path)) return undefined;
  const segments: string[] = [];
  for (const raw of segmentsOf(path)) {
    const segment = decode(raw);
    if (segment === undefined || /^\.{1,2}$|[/\\\p{Cc}]/u.test(segment)) return undefined;
    segments.push(segment);
  }
  return segments;
}

function decode(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

function segmentsOf(path: string): string[] {
  return path.slice(1).split("/");
}

function newBranch(): Branch {
  return { fixed: new Map(), parameter: undefined, routes: new Map() };
}

function nextBranch(branch: Branch, name: string): Branch {
  if (name.startsWith(":")) {
    branch.parameter ??= newBranch();
    return branch.parameter;
  }
  const next = branch.fixed.get(name) ?? newBranch();
  branch.fixed.set(name, next);
  return next;
}

/** What is fixed wins over an id (access-api 1.4). */
function findBranch(branch: Branch, [segment, ...rest]: readonly string[]): Branch | undefined {
  if (segment === undefined) return branch.routes.size === 0 ? undefined : branch;
  for (const next of [branch.fixed.get(segment), branch.parameter]) {
    const end = next && findBranch(next, rest);
    if (end !== undefined) return end;
  }
  return undefined;
}

function paramsOf({ path }: Route, segments: readonly string[]): Record<string, string> {
  const names = segmentsOf(path).map((name, index) => [name, segments[index] ?? ""] as const);
  const params = names.filter(([name]) => name.startsWith(":"));
  return Object.fromEntries(params.map(([name, value]) => [name.slice(1), value]));
}
