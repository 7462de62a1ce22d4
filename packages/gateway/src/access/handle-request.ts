// The data path, whole: read → match the application → authorize → forward. Every way in ends in
// one of the answers of answers.ts or at the origin, and nothing reaches the origin that policy did
// not let pass.
import type { CacheReading } from "../bounded-cache.ts";
import type { CatalogSource } from "../catalog/catalog.ts";
import { chooseService } from "../catalog/choose-service.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock, Stopwatch } from "../clock.ts";
import type { NoteRefusal } from "../http/refused-request.ts";
import { sendAnswer } from "../http/send-answer.ts";
import type { Exchange, UpgradeExchange } from "../http/transport.ts";
import { carriesBytes } from "../model/ingress-service.ts";
import type { DecisionProxy } from "../model/proxy-dialect.ts";
import { type RecordEvent, stackOf } from "../observe/events.ts";
import type { GatewayMetrics } from "../observe/metrics/gateway-metrics.ts";
import type { SpanExporter } from "../observe/traces/span-exporter.ts";
import type { RandomBytes } from "../random.ts";
import type { Store } from "../storage/store.ts";
import type { ServiceTokenUses } from "../tokens/service-token-uses.ts";
import type { Tokens } from "../tokens/tokens.ts";
import {
  answerFixedStatus,
  answerOriginFault,
  answerOwnFault,
  refuse,
  send,
} from "./answer-request.ts";
import { problemAnswer, type RenderErrorPage, tokenHoldsAnswer } from "./answers.ts";
import { authorize, type Verdict } from "./authorize.ts";
import { preflightAnswer } from "./cors.ts";
import { DecisionCache } from "./decision-cache.ts";
import { DecisionProxies } from "./decision-proxies.ts";
import { describeApplication } from "./describe-application.ts";
import { errorPageEvent, refusalEvent, unreadableEvent } from "./error-page-events.ts";
import { answerForwardAuth, type ForwardAuthParts } from "./forward-auth.ts";
import { HttpForwarder } from "./forward-http.ts";
import { TcpForwarder } from "./forward-tcp.ts";
import { forwardUpgrade, type UpgradeForwarding } from "./forward-upgrade.ts";
import type { ApplicationRequest } from "./forwarding.ts";
import { observeDecision } from "./observe-requests.ts";
import { OpenStreams } from "./open-streams.ts";
import { noApplication, unreadable } from "./problems.ts";
import { RayIds } from "./ray-ids.ts";
import { type ReadingRules, readRequest, type UnreadableRequest } from "./read-request.ts";
import { refusalAnswer } from "./refusal-answers.ts";
import { recordWhenEnded, requestRefusedEvent } from "./request-events.ts";
import { Tracer } from "./request-trace.ts";
import { isReserved } from "./reserved-request.ts";
import { sanitizeHeaders } from "./sanitize-headers.ts";
import { consumedHeaders } from "./service-credentials.ts";
import { parseProxies } from "./trusted-proxies.ts";
import { problemOfUpgrade } from "./upgrade-problems.ts";

/** The parts and settings that the data path is made of. */
export interface RequestHandlerOptions {
  catalogs: CatalogSource;
  tokens: Tokens;
  uses: Pick<ServiceTokenUses, "note">;
  useCounts: Pick<Store["useCounts"], "take">;
  /** answers below /cdn-cgi/access/ and for the team domain */
  reserved: (exchange: Exchange, facts: RequestFacts) => void;
  renderErrorPage: RenderErrorPage;
  /** of the listeners */
  scheme: "http" | "https";
  /** the ports that a `Host` may name */
  allowedPorts: ReadonlySet<number>;
  /** addresses and networks whose X-Forwarded-* are believed */
  trustedProxies: readonly string[];
  /** who may ask for decisions (wire-protocol 12) */
  decisionProxies: readonly DecisionProxy[];
  /** milliseconds for which a client may pause in the middle of a body */
  bodyTimeout: number;
  /** open connections to one service, at most */
  originConnections: number;
  /** whether requests that pass are recorded too */
  logRequests: boolean;
  /** whether each request gets a row of the access log */
  keepsDecisions: boolean;
  /** undefined: nobody counts */
  metrics: GatewayMetrics | undefined;
  /** undefined: nothing is traced */
  traces: { exporter: SpanExporter; sampleRatio: number } | undefined;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
}

/** Takes every request of every public listener, and the questions of proxies. */
export interface RequestHandler {
  handle(exchange: Exchange): void;
  /** Takes every question of the listener for proxies. */
  handleForwardAuth(exchange: Exchange): void;
  /** Writes down what a transport refuses. @returns the ray id that its answer bears */
  noteRefusal: NoteRefusal;
  /** Ends every WebSocket, event stream and the like: the gateway ends. */
  endStreams(): void;
  /** What is counted along the way, and what is open now. */
  readings(): RequestReadings;
  /** Ends idle connections to origins. */
  close(): void;
}

/** How the data path fares. */
export interface RequestReadings {
  openStreams: number;
  decisionCache: CacheReading;
}

/** What the steps are made with. */
interface DataPath extends RequestHandlerOptions {
  rules: ReadingRules;
  tracer: Tracer | undefined;
  decisions: DecisionCache;
  streams: OpenStreams;
  forwarder: HttpForwarder;
  tcp: TcpForwarder;
}

type Pass = Extract<Verdict, { kind: "forward" }>;

/** Joins the steps of the data path. @throws {Error} when a trusted proxy is no network */
export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const streams = new OpenStreams(options);
  options.tokens.onForgotten = (sessionIds) => streams.doubt(sessionIds);
  options.tokens.onRevoked = (aud) => streams.doubtApplication(aud);
  const rules: ReadingRules = {
    scheme: options.scheme,
    allowedPorts: options.allowedPorts,
    trustedProxies: parseProxies(options.trustedProxies),
    isOurs: (token) => options.tokens.isOurs(token),
    rayIds: new RayIds(options.randomBytes),
  };
  const path: DataPath = {
    ...options,
    streams,
    rules,
    tracer: tracerOf(options, rules),
    decisions: new DecisionCache(),
    forwarder: new HttpForwarder({
      bodyTimeout: options.bodyTimeout,
      originConnections: options.originConnections,
      streams,
      onAnswer: answerListener(options),
      onFault: (request, fault, detail) => answerOriginFault(path, request, fault, detail),
      onStray: (service) => path.record({ event: "origin_distrusted", service }),
    }),
    tcp: new TcpForwarder({
      streams,
      originConnections: options.originConnections,
      onRefusal: (request, problem) => refuse(path, request, problem),
      onFault: (request, fault, detail) => answerOriginFault(path, request, fault, detail),
      record: options.record,
    }),
  };
  const lending = lendingOf(path);
  return {
    handle: (exchange) => safely(path, exchange, () => handle(path, exchange)),
    handleForwardAuth: (exchange) =>
      safely(path, exchange, () => answerForwardAuth(lending, exchange)),
    noteRefusal: (refusal) => noteRefusal(path, refusal),
    endStreams: () => streams.endAll(),
    readings: () => ({ openStreams: streams.count, decisionCache: path.decisions.reading }),
    close: () => path.forwarder.close(),
  };
}

function tracerOf({ traces }: RequestHandlerOptions, rules: ReadingRules): Tracer | undefined {
  return traces === undefined ? undefined : new Tracer({ ...traces, ...rules });
}

/** Who hears of an origin's answers; nobody where nobody counts. */
function answerListener({ metrics, traces }: RequestHandlerOptions) {
  if (metrics === undefined && traces === undefined) return undefined;
  return ({ match, trace }: ApplicationRequest, ms: number) => {
    metrics?.originAnswered(match.application.name, ms);
    trace?.originAnswered(ms);
  };
}

/** The decisions of the data path, lent to proxies: its own caches, whichever listener is asked. */
function lendingOf(path: DataPath): ForwardAuthParts {
  const proxies = new DecisionProxies(path.decisionProxies);
  const trustedProxies = [...path.rules.trustedProxies, ...proxies.networks];
  return { ...path, proxies, rules: { ...path.rules, trustedProxies } };
}

/** A fault of ours costs one request, and lets nothing through. */
function safely({ record }: DataPath, exchange: Exchange, answer: () => void): void {
  try {
    answer();
  } catch (error) {
    record({ event: "request_failed", error: stackOf(error) });
    exchange.destroy();
  }
}

function handle(path: DataPath, exchange: Exchange): void {
  // 1. What the request is, read once for everybody.
  const catalog = path.catalogs.current();
  const reading = readRequest(path.rules, exchange.head, catalog);
  if (!reading.ok) {
    answerUnreadable(path, exchange, reading);
    return;
  }

  // 2. The gateway's own addresses.
  const { facts, headers } = reading;
  if (isReserved(facts, catalog)) {
    if (headers.expectsContinue) exchange.continue();
    path.reserved(exchange, facts);
    return;
  }

  // 3. The application.
  const { match } = facts;
  if (match === undefined) {
    path.record(errorPageEvent(facts, noApplication));
    sendAnswer(exchange, reading, problemAnswer(path, { catalog, ...reading }, noApplication));
    return;
  }

  // 4. Who asks, and whether they may.
  const trace = path.tracer?.begin(exchange.head.peer, reading.rawHeaders);
  const request: ApplicationRequest = { exchange, reading, match, trace };
  const verdict = authorize(path, reading, match.application);
  if (!(verdict instanceof Promise)) {
    carryOut(path, request, verdict);
    return;
  }
  verdict
    .then((late) => carryOut(path, request, late))
    .catch((error: unknown) => answerOwnFault(path, request, error));
}

function carryOut(path: DataPath, request: ApplicationRequest, verdict: Verdict): void {
  switch (verdict.kind) {
    case "forward":
      observeDecision(path, request, verdict);
      forward(path, request, verdict);
      break;
    case "token_holds":
      send(request, tokenHoldsAnswer);
      break;
    case "describe":
      describe(path, request, verdict.asksForLogin);
      break;
    case "preflight":
      send(request, preflightAnswer(verdict.cors, request.reading.headers));
      break;
    default:
      observeDecision(path, request, verdict);
      path.record(requestRefusedEvent(request, verdict));
      send(request, refusalAnswer(path, request, verdict));
  }
}

function describe(path: DataPath, request: ApplicationRequest, asksForLogin: boolean): void {
  const { reading, match } = request;
  describeApplication(path.tokens, reading.facts, match, asksForLogin)
    .then((answer) => send(request, answer))
    .catch((error: unknown) => answerOwnFault(path, request, error));
}

/** Where the ingress rules lead: to an origin, or to an answer of the gateway's own. */
function forward(path: DataPath, request: ApplicationRequest, { identity, asker }: Pass): void {
  const { exchange, reading, match, trace } = request;
  const { facts, headers, rawHeaders } = reading;

  // Who went away while it was decided wants nothing of the origin any more.
  if (exchange.response.closed) return;

  // 1. The service.
  const rule = chooseService(facts.catalog.ingress, facts.host, facts.path);
  if (rule === undefined) {
    answerFixedStatus(path, request, { status: 404 });
    return;
  }
  if (rule.service.kind === "status") {
    answerFixedStatus(path, request, rule.service);
    return;
  }
  const problem = problemOfUpgrade(exchange.head, reading);
  if (problem !== undefined) {
    refuse(path, request, problem);
    return;
  }
  if (path.logRequests) recordWhenEnded(path.record, request, asker);
  if (carriesBytes(rule.service)) {
    path.tcp.forward({ exchange, reading, match, trace, rule, asker });
    return;
  }

  // 2. What it gets.
  const sanitized = sanitizeHeaders({
    facts,
    rawHeaders,
    identity,
    consumedHeaders: consumedHeaders(path.tokens, reading, match.application),
    hostHeader: rule.originRequest.httpHostHeader,
    wantsTrailers: headers.wantsTrailers && rule.originRequest.http2Origin === true,
  });
  const originHeaders =
    trace === undefined
      ? (path.tracer?.untracedHeaders(exchange.head.peer, sanitized) ?? sanitized)
      : trace.headersFor(sanitized);
  const forwarding = { exchange, reading, match, trace, rule, asker, originHeaders };
  if (canUpgrade(exchange)) goOn(path, { ...forwarding, exchange });
  else path.forwarder.forward(forwarding);
}

/** Over a connection of its own. */
function goOn(path: DataPath, forwarding: UpgradeForwarding): void {
  forwardUpgrade(forwarding, path.forwarder.dialTunnel(forwarding.rule), {
    streams: path.streams,
    randomBytes: path.randomBytes,
    onFault: (request, fault, detail) => answerOriginFault(path, request, fault, detail),
  });
}

function canUpgrade(exchange: Exchange): exchange is UpgradeExchange {
  return exchange.upgrade !== undefined;
}

function answerUnreadable(path: DataPath, exchange: Exchange, reading: UnreadableRequest): void {
  const problem = unreadable[reading.fault];
  path.record(unreadableEvent(exchange.head, reading, problem.status));
  const catalog = path.catalogs.current();
  sendAnswer(exchange, reading, problemAnswer(path, { catalog, ...reading }, problem));
}

function noteRefusal({ rules, record }: DataPath, refusal: Parameters<NoteRefusal>[0]): string {
  const ray = rules.rayIds.next();
  record(refusalEvent(ray, refusal));
  return ray;
}
