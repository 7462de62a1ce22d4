// The data path, whole: read → match the application → authenticate → decide → sanitize → forward.
// Every way in ends in one of the answers of answers.ts or at the origin, and nothing reaches the
// origin that policy did not let pass.
import { endpoints, reservedPrefix, tokenCheckArgument } from "@postern/protocol";
import type { Catalog, CatalogSource } from "../catalog/catalog.ts";
import { chooseService } from "../catalog/choose-service.ts";
import { type ApplicationMatch, isApplicationHost } from "../catalog/match-application.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock } from "../clock.ts";
import type { LocalAnswer } from "../http/local-answer.ts";
import { valuesOf } from "../http/request-headers.ts";
import { sendAnswer } from "../http/send-answer.ts";
import type { Exchange } from "../http/transport.ts";
import type { Application, Decision } from "../model/model.ts";
import { parseNetwork } from "../network.ts";
import { type ApplicationRequestFields, type RecordEvent, stackOf } from "../observe/events.ts";
import type { Tokens } from "../tokens/tokens.ts";
import { createAnswers, type Recipient, type RenderErrorPage } from "./answers.ts";
import {
  type Authentication,
  type CredentialFault,
  createAuthenticator,
  readSingleHeader,
} from "./authenticate.ts";
import { answerPreflight, isPreflight } from "./cors.ts";
import { createDecider } from "./decide.ts";
import { describeApplication } from "./describe-application.ts";
import { type Forwarding, HttpForwarder } from "./forward-http.ts";
import { type ReadRequest, readRequest } from "./read-request.ts";
import { type IdentityHeaders, sanitizeHeaders } from "./sanitize-headers.ts";

export interface RequestHandlerOptions {
  catalogs: CatalogSource;
  tokens: Tokens;
  /** answers below /cdn-cgi/access/ and for the team domain */
  reserved: (exchange: Exchange, facts: RequestFacts) => void;
  renderErrorPage: RenderErrorPage;
  scheme: "http" | "https";
  allowedPorts: ReadonlySet<number>;
  trustedProxies: readonly string[];
  /** milliseconds for which a client may pause in the middle of a body */
  bodyTimeout?: number;
  /** also logs the requests that passed */
  logRequests?: boolean;
  record: RecordEvent;
  now: Clock;
}

export interface RequestHandler {
  (exchange: Exchange): void;
  /** ends idle connections to origins */
  close(): void;
}

/** What becomes of a request that belongs to an application. */
type Outcome =
  | { kind: "forward"; identity: IdentityHeaders | undefined }
  | { kind: "sign_in" }
  | { kind: "pass_failed" }
  | { kind: "bad_credentials"; fault: CredentialFault }
  | { kind: "denied"; who: "person" | "service" | "nobody" };

/** A request with all that is known of it. */
interface ApplicationRequest {
  exchange: Exchange;
  reading: ReadRequest;
  application: Application;
  say: (answer: LocalAnswer) => void;
}

const minute = 60_000;

export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const {
    catalogs,
    tokens,
    reserved,
    renderErrorPage,
    record,
    now,
    bodyTimeout = minute,
    logRequests = false,
  } = options;
  const rules = {
    scheme: options.scheme,
    allowedPorts: options.allowedPorts,
    trustedProxies: options.trustedProxies
      .map(parseNetwork)
      .flatMap((reading) => (reading.ok ? [reading.network] : [])),
    isOurs: (token: string) => tokens.isOurs(token),
  };
  const authenticate = createAuthenticator({ tokens, now });
  const decide = createDecider();
  const answers = createAnswers({ tokens, renderErrorPage });
  const forwarder = new HttpForwarder({
    bodyTimeout,
    onFault({ exchange, request, application }, fault, detail) {
      record({ event: "origin_failed", ...named(request.facts, application), fault, detail });
      const answer = answers.originFailed(recipient(request, application), fault);
      sendAnswer(exchange, request, answer);
    },
  });

  function handle(exchange: Exchange): void {
    const catalog = catalogs.current();
    const reading = readRequest(rules, exchange.head, catalog);
    const say = (answer: LocalAnswer | undefined) => {
      if (answer !== undefined) sendAnswer(exchange, reading, answer);
    };
    if (!reading.ok) {
      say(answers.unreadable({ catalog, ...reading }, reading.fault));
      return;
    }
    const { facts, headers } = reading;
    if (isReserved(facts, catalog)) {
      if (headers.expectsContinue) exchange.continue();
      reserved(exchange, facts);
      return;
    }
    if (facts.match === undefined) {
      say(answers.noApplication({ catalog, ...reading }));
      return;
    }
    const request: ApplicationRequest = {
      exchange,
      reading,
      application: facts.match.application,
      say,
    };
    const settled = enter(request, facts.match);
    if (!(settled instanceof Promise)) say(settled);
    else settled.then(say).catch((error: unknown) => say(failed(request, error)));
  }

  /** @returns what to answer; undefined once the origin answers */
  function enter(
    request: ApplicationRequest,
    match: ApplicationMatch,
  ): LocalAnswer | undefined | Promise<LocalAnswer | undefined> {
    const { reading, application } = request;
    const { facts, headers } = reading;
    if (headers.metadataRequest === "true") {
      const letsEverybodyIn =
        decide(facts, application, { kind: "anonymous" }).outcome === "bypass";
      return describeApplication(facts, match, letsEverybodyIn, tokens);
    }
    if (isPreflight(facts.method, headers) && !headers.hasBody) {
      if (application.cors_headers !== undefined)
        return answerPreflight(application.cors_headers, headers);
      if (application.options_preflight_bypass) return forward(request, undefined);
    }
    const authentication = authenticate(reading, application, reading.rawHeaders);
    if (!(authentication instanceof Promise)) return conclude(request, authentication);
    return authentication.then((settled) => conclude(request, settled));
  }

  function conclude(
    request: ApplicationRequest,
    authentication: Authentication,
  ): LocalAnswer | undefined {
    const { reading, application } = request;
    const { facts } = reading;
    const decision = decide(facts, application, authentication);
    const outcome = outcomeOf(authentication, decision, tokens, application);
    if (outcome.kind === "forward")
      return asksOnlyForCheck(facts) ? checked : forward(request, outcome.identity);
    note(facts, application, outcome, authentication, decision);
    return refusal(request, outcome);
  }

  function refusal(
    { reading, application }: ApplicationRequest,
    outcome: Exclude<Outcome, { kind: "forward" }>,
  ): LocalAnswer {
    const { facts } = reading;
    const to = recipient(reading, application);
    switch (outcome.kind) {
      case "sign_in":
        return answers.signIn(to, facts, application);
      case "pass_failed":
        return answers.passFailed(to, facts);
      case "bad_credentials":
        return answers.badCredentials(to, facts, outcome.fault);
      case "denied":
        return answers.denied(to, facts, application, outcome.who);
    }
  }

  function forward(
    { exchange, reading, application }: ApplicationRequest,
    identity: IdentityHeaders | undefined,
  ): LocalAnswer | undefined {
    const { facts, headers } = reading;
    const to = recipient(reading, application);
    const rule = chooseService(facts.catalog.ingress, facts.host, facts.path);
    if (rule === undefined) return answers.fixedStatus(to, 404);
    if (rule.service.kind === "status") return answers.fixedStatus(to, rule.service.status);
    if (headers.asksForWebSocket) return answers.webSocket(to);
    const originHeaders = sanitizeHeaders({
      facts,
      rawHeaders: reading.rawHeaders,
      identity,
      consumedHeader: consumedHeader(application, reading.rawHeaders),
      hostHeader: rule.originRequest.httpHostHeader,
    });
    if (logRequests)
      exchange.response.onFinish = (status) =>
        record({ event: "request_passed", ...named(facts, application), status });
    const forwarding: Forwarding = { exchange, request: reading, application, rule, originHeaders };
    forwarder.forward(forwarding);
    return undefined;
  }

  /**
   * The ray id on the page finds this line. People without a session are everyday life and said at
   * debug level.
   */
  function note(
    facts: RequestFacts,
    application: Application,
    outcome: Outcome,
    authentication: Authentication,
    decision: Decision,
  ): void {
    const fault = "fault" in authentication ? authentication.fault : undefined;
    const reason = decision.outcome === "deny" ? decision.reason : undefined;
    const policy = "policy" in decision ? decision.policy.name : undefined;
    const fields = { ...named(facts, application), outcome: outcome.kind, fault, reason, policy };
    if (outcome.kind === "sign_in") record({ event: "request_challenged", ...fields });
    else record({ event: "request_refused", ...fields });
  }

  function failed({ reading, application }: ApplicationRequest, error: unknown): LocalAnswer {
    record({
      event: "request_failed",
      ...named(reading.facts, application),
      error: stackOf(error),
    });
    return answers.internal(recipient(reading, application));
  }

  /** A mistake of ours costs one request, and lets nothing through. */
  function survive(exchange: Exchange): void {
    try {
      handle(exchange);
    } catch (error) {
      record({ event: "request_failed", error: stackOf(error) });
      exchange.destroy();
    }
  }

  return Object.assign(survive, { close: () => forwarder.close() });
}

const checked: LocalAnswer = {
  status: 204,
  headers: { "Cache-Control": "private, no-store" },
  body: "",
};

/**
 * The team domain, the relay, and the reserved prefix on every host that is served (wire-protocol
 * 1).
 */
function isReserved({ host, path }: RequestFacts, catalog: Catalog): boolean {
  if (host === catalog.teamHost) return true;
  if (
    catalog.relayHosts.has(host) &&
    (path.startsWith(endpoints.transfer) || !isApplicationHost(catalog, host))
  )
    return true;
  return (
    (path.startsWith(reservedPrefix) || path === reservedPrefix.slice(0, -1)) &&
    isApplicationHost(catalog, host)
  );
}

function outcomeOf(
  authentication: Authentication,
  decision: Decision,
  tokens: Tokens,
  application: Application,
): Outcome {
  // Bypass is for whoever asks, also for those whose credentials do not hold.
  if (decision.outcome === "bypass") return { kind: "forward", identity: undefined };
  switch (authentication.kind) {
    case "refused":
      return { kind: "bad_credentials", fault: authentication.fault };
    case "person":
      if (decision.outcome !== "allow") return { kind: "denied", who: "person" };
      return {
        kind: "forward",
        identity: {
          assertion: authentication.assertion,
          email: authentication.session.identity.email,
        },
      };
    case "service": {
      if (decision.outcome !== "allow") return { kind: "denied", who: "service" };
      const assertion = tokens.serviceAssertion(application, authentication.serviceToken.client_id);
      return { kind: "forward", identity: { assertion, email: undefined } };
    }
    case "unauthenticated":
    case "anonymous":
      if (authentication.kind === "unauthenticated" && authentication.via === "pass")
        return { kind: "pass_failed" };
      return decision.outcome === "login" ? { kind: "sign_in" } : { kind: "denied", who: "nobody" };
  }
}

function recipient({ facts, headers, rayId }: ReadRequest, application: Application): Recipient {
  return { catalog: facts.catalog, rayId, headers, application: { facts, application } };
}

/** Wire-protocol 6.9: answered here, whatever the path; the origin never sees it. */
function asksOnlyForCheck({ query }: RequestFacts): boolean {
  return (
    query.includes(tokenCheckArgument) && query.split("&").includes(`${tokenCheckArgument}=true`)
  );
}

/**
 * The application's own header for service tokens, where this request used it: a credential, and
 * not the origin's.
 */
function consumedHeader(
  { read_service_tokens_from_header: name }: Application,
  rawHeaders: readonly string[],
): string | undefined {
  if (name === undefined) return undefined;
  return readSingleHeader(valuesOf(rawHeaders, name), name) === undefined
    ? undefined
    : name.toLowerCase();
}

/** No query: it may hold what is nobody's business. */
function named(facts: RequestFacts, application: Application): ApplicationRequestFields {
  const { rayId, clientIp, method, authority, path } = facts;
  return { ray: rayId, ip: clientIp, method, host: authority, path, aud: application.aud };
}
