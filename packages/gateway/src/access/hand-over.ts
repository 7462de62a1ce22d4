// What a proxy cannot carry out as the gateway would: then it gets no decision, but is asked to
// hand the whole request over to the gateway's own listener. Looked at before anything is decided,
// so that nothing is counted twice.
import { tokenCheckArgument } from "@postern/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import { type CompiledIngressRule, chooseService } from "../catalog/choose-service.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { valuesOf } from "../http/request-headers.ts";
import { carriesBytes } from "../model/ingress-service.ts";
import type { Application } from "../model/model.ts";
import type { Tokens } from "../tokens/tokens.ts";
import { isPreflight } from "./cors.ts";
import type { Problem } from "./problems.ts";
import type { ReadRequest } from "./read-request.ts";
import { isReserved } from "./reserved-request.ts";
import { consumedHeaders } from "./service-credentials.ts";
import { unstrippedHeader } from "./stripped-headers.ts";

/** Why a request is the gateway's to carry. */
export type HandOverReason =
  /** the gateway answers it itself: sign-in, descriptions, checks, preflights */
  | "own_answer"
  /** the origin would get the token from the address */
  | "token_in_address"
  /** policy saw another form of the address than the origin would get */
  | "other_form"
  /** the origin would get a credential from a header that is the application's otherwise */
  | "credential_in_header"
  /** the client sends a header in a name that the proxy does not take away */
  | "odd_header"
  /** whoever goes on with another protocol than WebSocket is not seen any more (`h2c`) */
  | "other_protocol"
  /** the application is told of people in headers that the proxy does not set */
  | "identity_headers"
  /** the proxy has no such service */
  | "other_service";

const reasons: Record<HandOverReason, string> = {
  own_answer: "The gateway answers this request itself.",
  token_in_address: "The application would get the access token in this address.",
  other_form: "The application would read this address in another form than the gateway did.",
  credential_in_header: "The application would get the credential in a header of this request.",
  odd_header: "The request has a header in a name that the proxy does not take away.",
  other_protocol: "The request asks to go on with another protocol than WebSocket.",
  identity_headers: "The application is told who asks in headers that the proxy does not set.",
  other_service: "The proxy does not know the service that this address leads to.",
};

/** What whoever does not hand requests over is told. */
export function handedOver(reason: HandOverReason): Problem {
  return {
    status: 403,
    error: `hand_over_${reason}`,
    heading: "This request is the gateway's to carry",
    message: `${reasons[reason]} The proxy must hand it over; ask the people who run it to configure it as "postern render" does.`,
    isRefusal: true,
  };
}

/** Whether the gateway answers the request itself, whatever policy says of it. */
export function isOwnAnswer({ facts, headers }: ReadRequest, catalog: Catalog): boolean {
  if (isReserved(facts, catalog)) return true;
  if (headers.metadataRequest !== undefined || isPreflight(facts.method, headers)) return true;
  if (!facts.query.includes(tokenCheckArgument)) return false;
  return facts.query.split("&").includes(`${tokenCheckArgument}=true`);
}

/**
 * Why the proxy cannot carry a request that belongs to an application.
 * @param target as the proxy will send it
 */
export function whyHandOver(
  tokens: Pick<Tokens, "isOurs">,
  reading: ReadRequest,
  application: Application,
  target: string,
): HandOverReason | undefined {
  const { facts, rawHeaders, queryToken } = reading;
  const acceptsCredential = onlyValue(rawHeaders, acceptHeader) === "credential";

  // 1. What the origin would see of the address.
  if (queryToken !== undefined && !acceptsCredential) return "token_in_address";
  const isSameForm =
    queryToken === undefined ? target === targetOf(facts) : pathOf(target) === facts.path;
  if (!isSameForm) return "other_form";

  // 2. What it would see of the headers.
  if (reading.upgrade !== undefined && reading.upgrade !== "websocket") return "other_protocol";
  if (!acceptsCredential && consumedHeaders(tokens, reading, application).length > 0)
    return "credential_in_header";
  if (unstrippedHeader(rawHeaders) !== undefined) return "odd_header";
  if (application.identity_headers !== undefined) return "identity_headers";

  // 3. Whether the proxy finds it.
  const services = valuesOf(rawHeaders, servicesHeader);
  if (services.length === 0) return undefined;
  const rule = chooseService(facts.catalog.ingress, facts.host, facts.path);
  return rule !== undefined && isAmong(rule, services) ? undefined : "other_service";
}

/** The services that a proxy has, by their names, in one line or several. */
const servicesHeader = "x-access-services";

/** `credential`: the origin may get one of ours where the proxy cannot take it away. */
const acceptHeader = "x-access-accept";

function isAmong(
  { service, serviceName }: CompiledIngressRule,
  services: readonly string[],
): boolean {
  if (service.kind === "status" || carriesBytes(service)) return false;
  return services.some((line) => line.split(" ").includes(serviceName));
}

/** The request target that policy saw. */
function targetOf({ path, query }: RequestFacts): string {
  return query === "" ? path : `${path}?${query}`;
}

function pathOf(target: string): string {
  const [path = ""] = target.split("?", 1);
  return path;
}

function onlyValue(rawHeaders: readonly string[], name: string): string | undefined {
  const [value, ...others] = valuesOf(rawHeaders, name);
  return others.length === 0 ? value : undefined;
}
