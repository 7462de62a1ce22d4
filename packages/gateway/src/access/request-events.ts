// The events of requests that belong to an application.
import { chooseService, serviceText } from "../catalog/choose-service.ts";
import type {
  ApplicationRequestFields,
  GatewayEvent,
  ProgramFields,
  RecordEvent,
} from "../observe/events.ts";
import type { Refusal } from "./authorize.ts";
import type { ApplicationRequest, ForwardFault } from "./forwarding.ts";
import { type Asker, askerFields, grantFields } from "./still-passes.ts";

/** No query: it may hold what is nobody's business. */
export function fieldsOf({ reading, match }: ApplicationRequest): ApplicationRequestFields {
  const { rayId, clientIp, method, authority, path } = reading.facts;
  const { aud, name: application } = match.application;
  return { ray: rayId, ip: clientIp, method, host: authority, path, aud, application };
}

/** The ray id on the page finds its line. People without a session are everyday life. */
export function requestRefusedEvent(request: ApplicationRequest, refusal: Refusal): GatewayEvent {
  const fields = { ...fieldsOf(request), outcome: refusal.kind, ...refusal.grounds };
  const event = refusal.kind === "sign_in" ? "request_challenged" : "request_refused";
  return { event, ...fields };
}

type OriginFailedEvent = Extract<GatewayEvent, { event: "origin_failed" }>;

/** The origin did not answer, or broke off. @param detail not for the answer */
export function originFailedEvent(
  request: ApplicationRequest,
  fault: ForwardFault,
  detail: string,
): OriginFailedEvent {
  const { host, path, catalog } = request.reading.facts;
  const rule = chooseService(catalog.ingress, host, path);
  const origin = rule === undefined ? "" : serviceText(rule.service);
  return { event: "origin_failed", ...fieldsOf(request), origin, fault, detail };
}

/**
 * Calls back when an answer has ended, however it ends, beside whoever waits for that already.
 * @param onEnd gets the status; undefined where no answer began
 */
export function whenEnded(
  response: ApplicationRequest["exchange"]["response"],
  onEnd: (status: number | undefined) => void,
): void {
  const { onFinish, onCut } = response;
  response.onFinish = (status) => {
    onFinish?.(status);
    onEnd(status);
  };
  response.onCut = (status) => {
    onCut?.(status);
    onEnd(status);
  };
}

/** A request that reached its origin has its line when it ends, however it ends. */
export function recordWhenEnded(
  record: RecordEvent,
  request: ApplicationRequest,
  asker: Asker,
): void {
  const fields = () => ({ ...fieldsOf(request), ...programFields(asker) });
  const recordPassed = (status: number) => record({ event: "request_passed", ...fields(), status });
  const recordCut = (status: number | undefined) =>
    record({ event: "request_cut", ...fields(), status });
  request.exchange.response.onFinish = recordPassed;
  request.exchange.response.onCut = recordCut;
}

/** What of an asker is no person's name. */
function programFields(asker: Asker): ProgramFields {
  switch (asker.kind) {
    case "person":
      return grantFields(asker.grant);
    case "workload":
      return askerFields(asker);
    case "linked":
      return { linked_application: asker.linked.name };
    default:
      return {};
  }
}
