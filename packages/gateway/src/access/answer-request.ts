// The gateway's own answers to requests that belong to an application, each with its line in the
// log.
import type { LocalAnswer } from "../http/local-answer.ts";
import { sendAnswer } from "../http/send-answer.ts";
import { type RecordEvent, stackOf } from "../observe/events.ts";
import { StoreUnavailableError } from "../store-unavailable.ts";
import {
  type AnswerParts,
  type ApplicationRecipient,
  type FixedStatus,
  fixedStatusAnswer,
  problemAnswer,
} from "./answers.ts";
import { errorPageEvent } from "./error-page-events.ts";
import type { ApplicationRequest, ForwardFault } from "./forwarding.ts";
import { fixedStatus, internal, originFailed, type Problem, storeUnavailable } from "./problems.ts";
import { fieldsOf, originFailedEvent } from "./request-events.ts";

/** What such answers are made with. */
export interface AnswerRequestParts extends AnswerParts {
  record: RecordEvent;
}

/** Policy let it pass, and it goes no further by its own fault. */
export function refuse(
  parts: AnswerRequestParts,
  request: ApplicationRequest,
  problem: Problem,
): void {
  parts.record(errorPageEvent(request.reading.facts, problem));
  sendProblem(parts, request, problem);
}

/** `http_status:` of an ingress rule. */
export function answerFixedStatus(
  parts: AnswerRequestParts,
  request: ApplicationRequest,
  { status, answer }: FixedStatus,
): void {
  if (status >= 400) parts.record(errorPageEvent(request.reading.facts, fixedStatus(status)));
  send(request, fixedStatusAnswer(parts, recipientOf(request), { status, answer }));
}

/** The origin did not answer, or not to the end. @param detail for the log */
export function answerOriginFault(
  parts: AnswerRequestParts,
  request: ApplicationRequest,
  fault: ForwardFault,
  detail: string,
): void {
  parts.record(originFailedEvent(request, fault, detail));
  sendProblem(parts, request, originFailed[fault]);
}

/** A fault of ours. */
export function answerOwnFault(
  parts: AnswerRequestParts,
  request: ApplicationRequest,
  error: unknown,
): void {
  parts.record({ event: "request_failed", ...fieldsOf(request), error: stackOf(error) });
  const isTemporary = error instanceof StoreUnavailableError;
  sendProblem(parts, request, isTemporary ? storeUnavailable : internal);
}

/** Sends an answer of the gateway's own. */
export function send({ exchange, reading }: ApplicationRequest, answer: LocalAnswer): void {
  sendAnswer(exchange, reading, answer);
}

/** Says what is wrong. */
function sendProblem(
  parts: AnswerRequestParts,
  request: ApplicationRequest,
  problem: Problem,
): void {
  send(request, problemAnswer(parts, recipientOf(request), problem));
}

/** Who gets the answer. */
export function recipientOf({
  reading,
  match,
}: Pick<ApplicationRequest, "reading" | "match">): ApplicationRecipient {
  const { facts, headers, rayId } = reading;
  return { catalog: facts.catalog, headers, rayId, facts, application: match.application };
}
