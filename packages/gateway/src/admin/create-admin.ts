// The admin API, whole: admit → authenticate → find the route → permit → read the body → answer.
// Whatever goes wrong, the answer is the envelope of the Cloudflare v4 API (access-api 1.2).
import { ConfigError } from "../config/config-error.ts";
import type { ListenAddress } from "../config/values.ts";
import type { Exchange } from "../http/transport.ts";
import { answerExchange } from "../http/web-exchange.ts";
import { stackOf } from "../observe/events.ts";
import { StoreUnavailableError } from "../store-unavailable.ts";
import { rootRoutes } from "./account.ts";
import type { AdminParts, AdminSurroundings } from "./admin-parts.ts";
import { admit } from "./admit.ts";
import type { ErrorName } from "./error-codes.ts";
import { permits } from "./permissions.ts";
import type { PlainRoute } from "./plain-route.ts";
import { readBody } from "./read-body.ts";
import { type Answer, type Call, fail, permissionsOf, type Route } from "./route.ts";
import { Router, type RouteSearch, readSegments } from "./router.ts";
import { accountRoutes, plainRoutes } from "./routes.ts";
import { sendEnvelope, sendPlain } from "./send.ts";
import { AdminTokenCheck } from "./tokens/admin-tokens.ts";

/** Answers the requests of one listener. */
export type AdminHandler = (exchange: Exchange) => void;

/** Where the API begins. */
const base = ["client", "v4"];

/**
 * Makes the API.
 * @param listen where its requests arrive
 */
export async function createAdmin(
  surroundings: AdminSurroundings,
  listen: ListenAddress,
): Promise<AdminHandler> {
  const { store, randomBytes, config } = surroundings;
  const accountId = await store.settings.get("account_id", randomBytes(16).toString("hex"));
  const parts = { ...surroundings, accountId };
  const api = new AdminApi(parts, listen);
  const { body_timeout: bodyTimeout } = config.limits;
  return (exchange) => {
    const request = {
      ray: randomBytes(8).toString("hex"),
      ip: exchange.head.peer ?? "",
      method: exchange.head.method,
    };
    // Only the body of the web's request is read: what it is for stands in the head as it arrived.
    const web = { url: "http://admin.invalid/", bodyTimeout, isHeld: false };
    answerExchange(exchange, web, (body) => api.answer(exchange, request, body)).catch((error) => {
      parts.record({ event: "answer_failed", ray: request.ray, error: String(error) });
      exchange.destroy();
    });
  };
}

/** What is known of a request before anything is looked up. */
interface AdminRequest {
  ray: string;
  ip: string;
  method: string;
}

class AdminApi {
  readonly #parts: AdminParts;
  readonly #listen: ListenAddress;
  readonly #tokens: AdminTokenCheck;
  readonly #router: Router;
  readonly #root: Router;
  readonly #plain: ReadonlyMap<string, PlainRoute>;

  constructor(parts: AdminParts, listen: ListenAddress) {
    this.#parts = parts;
    this.#listen = listen;
    this.#tokens = new AdminTokenCheck(parts);
    const routes = accountRoutes(parts);
    this.#router = new Router(routes);
    this.#root = new Router(rootRoutes(parts));
    this.#plain = new Map(plainRoutes(parts, routes).map((route) => [route.path, route]));
  }

  async answer(exchange: Exchange, request: AdminRequest, web: Request): Promise<Response> {
    const { head } = exchange;
    const admission = admit(head, this.#listen);
    // What stands in a query is nobody's business in the log.
    const [target = ""] = head.target.split("?", 1);
    if (!admission.ok) return this.#refuse(request, target, admission.fault);
    const { path, query } = admission;
    try {
      const plain = this.#plain.get(path);
      if (plain !== undefined) return await this.#answerPlain(plain, request, { path, web, query });
      return await this.#answerCall(request, { path, web, query });
    } catch (error) {
      return this.#fault(request, path, error);
    }
  }

  async #answerPlain(plain: PlainRoute, request: AdminRequest, asked: Asked): Promise<Response> {
    if (request.method !== "GET" && request.method !== "HEAD")
      return this.#refuse(request, asked.path, "bad_method", { Allow: "GET" });
    if (plain.permission === undefined) return sendPlain(await plain.handle(), request.ray);
    const check = await this.#authenticate(request, asked.web);
    if (!check.ok) return this.#refuse(request, asked.path, check.fault);
    // What is counted is counted of all applications.
    const { permissions, applications } = check.token;
    if (!permits(permissions, plain.permission) || applications !== null)
      return this.#refuse(request, asked.path, "not_permitted");
    return sendPlain(await plain.handle(check.token), request.ray);
  }

  async #answerCall(request: AdminRequest, { path, web, query }: Asked): Promise<Response> {
    // 1. Whoever cannot say who it is learns nothing, not even what there is.
    const check = await this.#authenticate(request, web);
    if (!check.ok) return this.#refuse(request, path, check.fault);
    const { token } = check;

    // 2. What it is for.
    const search = this.#find(request.method, path);
    if (!search.ok) {
      const headers = search.fault === "bad_method" ? { Allow: search.allowed.join(", ") } : {};
      return this.#refuse(request, path, search.fault, headers);
    }

    // 3. Whether this token may.
    const { route, params } = search;
    const lacked = permissionsOf(route).find((each) => !permits(token.permissions, each));
    if (lacked !== undefined) {
      const message = `The token lacks the permission ${lacked}.`;
      return this.#send(request, path, fail("not_permitted", message), token.id);
    }

    // 4. The answer.
    const reading = route.body === undefined ? noBody : await readBody(web, route.longestBody);
    if (!reading.ok)
      return this.#send(request, path, fail(reading.fault, reading.message), token.id);
    const { ray, ip } = request;
    const call = { params, query, body: reading.body, token, ray, ip };
    return this.#send(request, path, await attempt(route, call), token.id);
  }

  #authenticate({ ip }: AdminRequest, web: Request) {
    return this.#tokens.check(web.headers.get("authorization") ?? undefined, ip);
  }

  /** Below the one account, for which a zone of the same id stands as well; or above it. */
  #find(
    method: string,
    path: string,
  ): RouteSearch | { ok: false; fault: "no_account" | "no_zone" } {
    const [client, version, ...names] = readSegments(path) ?? [];
    if (client !== base[0] || version !== base[1]) return { ok: false, fault: "no_route" };
    const [scope = "", id, ...below] = names;
    const isBelow = ["accounts", "zones"].includes(scope) && below.length > 0;
    if (!isBelow) return this.#root.find(method, names);
    const isOwn = id === this.#parts.accountId;
    if (!isOwn) return { ok: false, fault: scope === "zones" ? "no_zone" : "no_account" };
    return this.#router.find(method, below);
  }

  #refuse(
    request: AdminRequest,
    path: string,
    fault: ErrorName,
    headers: Record<string, string> = {},
  ): Response {
    const { status } = fail(fault);
    if (status !== 404 && status !== 405) {
      const { ray, ip, method } = request;
      this.#parts.record({ event: "admin_refused", ray, ip, method, path, status, reason: fault });
    }
    return sendEnvelope(fail(fault), request.ray, headers);
  }

  #send(request: AdminRequest, path: string, answer: Answer, token_id: string): Response {
    const { ray, ip, method } = request;
    const { status } = answer;
    this.#parts.record({ event: "admin_answered", ray, ip, method, path, status, token_id });
    return sendEnvelope(answer, ray);
  }

  #fault({ ray, ip, method }: AdminRequest, path: string, error: unknown): Response {
    this.#parts.record({
      event: "admin_failed",
      ...{ ray, ip, method, path },
      error: stackOf(error),
    });
    const isAway = error instanceof StoreUnavailableError;
    return sendEnvelope(fail(isAway ? "unavailable" : "internal"), ray);
  }
}

/** What is asked, beside who asks. */
interface Asked {
  path: string;
  query: URLSearchParams;
  web: Request;
}

const noBody = { ok: true, body: undefined } as const;

/** Objects that contradict each other are a mistake of whoever wrote them. */
async function attempt(route: Route, call: Call): Promise<Answer> {
  try {
    return await route.handle(call);
  } catch (error) {
    if (error instanceof ConfigError) return fail("invalid", error.message);
    throw error;
  }
}
