// The admin API, whole: admit → authenticate → find the route → permit → read the body → answer.
// Whatever goes wrong, the answer is the envelope of the Cloudflare v4 API (access-api 1.2).
import { ConfigError } from "../config/config-error.ts";
import type { ListenAddress } from "../config/values.ts";
import type { Exchange } from "../http/transport.ts";
import { answerExchange } from "../http/web-exchange.ts";
import { stackOf } from "../observe/events.ts";
import { StoreUnavailableError } from "../store-unavailable.ts";
import type { AdminParts, AdminSurroundings } from "./admin-parts.ts";
import { admit } from "./admit.ts";
import type { ErrorName } from "./error-codes.ts";
import { permits } from "./permissions.ts";
import { readBody } from "./read-body.ts";
import { type Answer, type Call, fail, type Route } from "./route.ts";
import { Router, readSegments } from "./router.ts";
import { accountRoutes, type PlainRoute, plainRoutes } from "./routes.ts";
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
  readonly #plain: ReadonlyMap<string, PlainRoute>;

  constructor(parts: AdminParts, listen: ListenAddress) {
    this.#parts = parts;
    this.#listen = listen;
    this.#tokens = new AdminTokenCheck(parts);
    const routes = accountRoutes(parts);
    this.#router = new Router(routes);
    this.#plain = new Map(plainRoutes(parts, routes).map((route) => [route.path, route]));
  }

  async answer(exchange: Exchange, request: AdminRequest, web: Request): Promise<Response> {
    const { head } = exchange;
    const admission = admit(head, this.#listen);
    if (!admission.ok) return this.#refuse(request, head.target, admission.fault);
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
    if (!permits(check.token.permissions, plain.permission))
      return this.#refuse(request, asked.path, "not_permitted");
    return sendPlain(await plain.handle(check.token), request.ray);
  }

  async #answerCall(request: AdminRequest, { path, web, query }: Asked): Promise<Response> {
    // 1. Whoever cannot say who it is learns nothing, not even what there is.
    const check = await this.#authenticate(request, web);
    if (!check.ok) return this.#refuse(request, path, check.fault);
    const { token } = check;

    // 2. What it is for.
    const segments = this.#segmentsBelowAccount(path);
    if (!segments.ok) return this.#refuse(request, path, segments.fault);
    const search = this.#router.find(request.method, segments.below);
    if (!search.ok) {
      const allowed = search.fault === "bad_method" ? search.allowed.join(", ") : "";
      return this.#refuse(request, path, search.fault, allowed === "" ? {} : { Allow: allowed });
    }

    // 3. Whether this token may.
    const { route, params } = search;
    if (!permits(token.permissions, route.permission)) {
      const message = `The token lacks the permission ${route.permission}.`;
      return this.#send(request, path, fail("not_permitted", message), token.id);
    }

    // 4. The answer.
    const reading = route.body === undefined ? noBody : await readBody(web);
    if (!reading.ok)
      return this.#send(request, path, fail(reading.fault, reading.message), token.id);
    const { ray, ip } = request;
    const call = { params, query, body: reading.body, token, ray, ip };
    return this.#send(request, path, await attempt(route, call), token.id);
  }

  #authenticate({ ip }: AdminRequest, web: Request) {
    return this.#tokens.check(web.headers.get("authorization") ?? undefined, ip);
  }

  /** What a path names below the one account, which a zone of the same id stands for as well. */
  #segmentsBelowAccount(
    path: string,
  ): { ok: true; below: string[] } | { ok: false; fault: ErrorName } {
    const segments = readSegments(path);
    const [client, version, scope, id, ...below] = segments ?? [];
    const isApi = client === base[0] && version === base[1];
    if (!isApi || (scope !== "accounts" && scope !== "zones"))
      return { ok: false, fault: "no_route" };
    if (id !== this.#parts.accountId) return { ok: false, fault: "no_account" };
    return { ok: true, below };
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

  #send(request: AdminRequest, path: string, answer: Answer, token: string): Response {
    const { ray, ip, method } = request;
    const { status } = answer;
    this.#parts.record({ event: "admin_answered", ray, ip, method, path, status, token });
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
