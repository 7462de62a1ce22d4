// Events of access as rows of the access log, and rows as the lines of its export, whose fields
// have the names of Cloudflare's Logpush (access-features 18).

import type { DecisionRecorder } from "../policy/decision-record.ts";
import type { NewAccessEvent } from "../storage/access-log.ts";
import { type AccessEvent, isAllowed } from "./access-event.ts";

/** Characters of a text that a client chose, at most. */
const clientText = 2_048;
const agentText = 256;
/** Characters of JSON: facts that are longer are left out, and not cut in their middle. */
const factsText = 16_384;
/** What stands for the identity provider of a program, as Cloudflare's `identityProvider` does. */
const noProvider = "nonidentity";

/**
 * Fields of Cloudflare's that belong to what is not here: its client on devices, certificates of
 * clients, reasons and permissions that somebody is asked for. By the name of the API.
 */
export const unknownFields = {
  has_warp_enabled: false,
  has_gateway_enabled: false,
  device_id: null,
  mtls_status: null,
  mtls_cert_serial_id: null,
  mtls_common_name: null,
  purpose_justification_prompt: null,
  purpose_justification_response: null,
  temporary_access_approvers: null,
  temporary_access_duration: null,
} as const;

/** The row of an event. @param createdAt milliseconds since the epoch */
export function rowOf(
  event: AccessEvent,
  createdAt: number,
  recorder: DecisionRecorder,
): NewAccessEvent {
  const { application, person, provider, policy, request, question } = event;
  const subject = question?.subject();
  const decided =
    question && subject && recorder.record(question.application, subject, question.decision);
  return {
    created_at: createdAt,
    action: event.action,
    allowed: isAllowed(event),
    outcome: event.outcome,
    reason: event.reason ?? null,
    ray_id: event.ray,
    ip_address: event.ip,
    // Of the address that asks now, where it is known: a session may be from elsewhere.
    country: subject?.country || event.country || null,
    user_email: textOf(person?.email),
    user_uid: person?.user ?? null,
    app_uid: application?.id ?? null,
    app_name: application?.name ?? null,
    app_domain: application?.domains[0] ?? null,
    app_type: application?.type ?? null,
    idp: provider?.id ?? (event.isProgram === true ? noProvider : null),
    connection: provider?.type ?? null,
    has_existing_jwt: event.hasSession === true,
    non_identity: event.isProgram === true,
    service_token_id: event.serviceToken ?? null,
    policy_id: policy?.id ?? null,
    policy_name: policy?.name ?? null,
    rule: decided?.rule ?? null,
    method: textOf(request?.method),
    host: textOf(request?.host),
    path: textOf(request?.path),
    status: event.status ?? null,
    user_agent: event.userAgent?.slice(0, agentText) ?? null,
    facts: decided === undefined ? null : jsonOf(decided.facts),
  };
}

/** A row as a line of the export: one JSON object. What Postern has no word of yet is null. */
export function exportLineOf(row: NewAccessEvent): string {
  return `${JSON.stringify({
    Action: row.action,
    Allowed: row.allowed,
    AppDomain: row.app_domain,
    AppUUID: row.app_uid,
    Connection: row.connection,
    Country: row.country,
    CreatedAt: new Date(row.created_at).toISOString(),
    Email: row.user_email,
    IPAddress: row.ip_address,
    PurposeJustificationPrompt: unknownFields.purpose_justification_prompt,
    PurposeJustificationResponse: unknownFields.purpose_justification_response,
    RayID: row.ray_id,
    TemporaryAccessApprovers: unknownFields.temporary_access_approvers,
    TemporaryAccessDuration: unknownFields.temporary_access_duration,
    UserUID: row.user_uid,
    AppName: row.app_name,
    AppType: row.app_type,
    Outcome: row.outcome,
    Reason: row.reason,
    IdentityProvider: row.idp,
    HasExistingJWT: row.has_existing_jwt,
    NonIdentity: row.non_identity,
    ApprovingPolicyID: row.policy_id,
    PolicyName: row.policy_name,
    Rule: row.rule,
    ServiceTokenID: row.service_token_id,
    HasWarpEnabled: unknownFields.has_warp_enabled,
    HasGatewayEnabled: unknownFields.has_gateway_enabled,
    DeviceID: unknownFields.device_id,
    MTLSStatus: unknownFields.mtls_status,
    MTLSCertSerialID: unknownFields.mtls_cert_serial_id,
    MTLSCommonName: unknownFields.mtls_common_name,
    Method: row.method,
    Host: row.host,
    Path: row.path,
    Status: row.status,
    UserAgent: row.user_agent,
    Facts: row.facts === null ? null : JSON.parse(row.facts),
  })}\n`;
}

function textOf(text: string | undefined): string | null {
  return text?.slice(0, clientText) ?? null;
}

function jsonOf(facts: object): string | null {
  const text = JSON.stringify(facts);
  return text.length > factsText ? null : text;
}
