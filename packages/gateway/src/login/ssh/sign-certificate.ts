// `cert_sign` (wire-protocol 10): a terminal that is signed in to an application gets an SSH
// certificate for the account of its person's name, for minutes. What the certificate says comes of
// the session and the configuration alone; of the request it takes the key.
import { headers, parseDuration } from "@postern/protocol";
import type { CatalogSource } from "../../catalog/catalog.ts";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import { type Clock, clockTolerance } from "../../clock.ts";
import type { Application } from "../../model/model.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { RandomBytes } from "../../random.ts";
import type { SshAuthorities } from "../../ssh/authorities.ts";
import { type PrincipalFault, principalOf } from "../../ssh/principal.ts";
import {
  fingerprintOf,
  type KeyFault,
  keyTypes,
  readPublicKeyLine,
  type SshPublicKey,
} from "../../ssh/public-key.ts";
import { signUserCertificate } from "../../ssh/user-certificate.ts";
import { type PossessionFault, possessionFaults } from "../../tokens/possession.ts";
import type { AppProof, Tokens } from "../../tokens/tokens.ts";
import { claimedAudience } from "../claimed-audience.ts";
import type { CountedLimits } from "../counted-limits.ts";
import { decideFor } from "../decide.ts";
import { lacksBinding, proofFaultOf } from "../demanded-proof.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { recordRefusal, sendJson } from "../responses.ts";
import {
  type CertificateRefusal,
  readCertificateRequest,
  refusal,
  sendRefusal,
} from "./certificate-request.ts";

/** What certificates are signed with. */
export interface CertificateParts {
  tokens: Tokens;
  authorities: SshAuthorities;
  certificateLimits: CountedLimits;
  catalogs: CatalogSource;
  record: RecordEvent;
  now: Clock;
  randomBytes: RandomBytes;
}

/** Certificates of one session: a script that logs in to many machines asks for each of them. */
const perSession = { most: 120, windowMs: 10 * 60_000 };

/** A person in a terminal who is signed in to an application. */
interface Asker {
  application: Application;
  proof: AppProof;
}

/** What a certificate will say of the person and the key. */
interface Grant {
  ok: true;
  key: SshPublicKey;
  principal: string;
  /** seconds since the epoch */
  validBefore: number;
  extensions: readonly string[];
}

/** Answers `POST /cdn-cgi/access/cert_sign` on the team domain. */
export async function signCertificate(c: LoginContext, parts: CertificateParts): Promise<Response> {
  // 1. A program's request that can be read.
  const reading = await readCertificateRequest(c);
  if (!reading.ok) return refuseStranger(c, reading);

  // 2. The token of a terminal.
  const { jwt, public_key } = reading.request;
  const asker = await findAsker(parts, jwt);
  if (asker === undefined) return refuseStranger(c, foreignToken);
  const { application, proof } = asker;
  if (lacksBinding(application, proof.claims))
    return refuseUnprovenAsker(c, asker, "token_not_bound");
  const fault = proofFaultOf(c, parts, jwt, proof.claims);
  if (fault !== undefined) return refuseUnprovenAsker(c, asker, fault);

  // 3. What the application certifies of its person, and the key.
  const grant = grantFor(asker, public_key, { facts: c.var.facts, now: parts.now() });
  if (!grant.ok) return refuseAsker(c, asker, grant);
  const { id: sessionId } = proof.session;
  if (!(await parts.certificateLimits.count(`ssh-certificates ${sessionId}`, perSession)))
    return refuseAsker(c, asker, tooMany);

  // 4. The signature.
  return issue(c, parts, asker, grant);
}

/**
 * Who a token stands for. Only a terminal's counts: one that a browser was handed is good beside
 * that browser's nonce alone (ADR 0015), which never comes here.
 */
async function findAsker(
  { tokens, catalogs }: CertificateParts,
  jwt: string,
): Promise<Asker | undefined> {
  // The catalog of now: a client may have taken its time to send the request.
  const { applicationByAud } = catalogs.current();
  const application = applicationByAud.get(claimedAudience(jwt) ?? "");
  if (application === undefined) return undefined;
  const proof = await tokens.verifyApp(jwt, application.aud);
  if (!proof.ok || proof.claims.terminal !== true) return undefined;
  return { application, proof };
}

function grantFor(
  { application, proof }: Asker,
  keyLine: string,
  { facts, now }: { facts: RequestFacts; now: number },
): Grant | CertificateRefusal {
  const { session, claims } = proof;
  const { ssh_certificates: certificates } = application;
  if (certificates === undefined) return noCertificates;
  if (!isAllowed(facts, { application, proof })) return denied;

  const { email } = session.identity;
  const reading = principalOf(email, certificates.email_domains);
  if (!reading.ok) return refusal(403, principalFaults[reading.fault]);
  const keyReading = readPublicKeyLine(keyLine);
  if (!keyReading.ok) return refusal(400, keyFaults[keyReading.fault]);

  // Nothing outlives the session, nor the token that the application gave it.
  const ends = [now + parseDuration(certificates.duration), session.expires_at, claims.exp * 1000];
  return {
    ok: true,
    key: keyReading.key,
    principal: reading.principal,
    validBefore: Math.floor(Math.min(...ends) / 1000),
    extensions: certificates.extensions,
  };
}

/**
 * Whether a policy lets the person in, whatever they do there: nothing is judged later. Bypass lets
 * in whoever asks: it vouches for nobody's name.
 */
function isAllowed(facts: RequestFacts, { application, proof }: Asker): boolean {
  const policies = application.policies.filter(({ decision }) => decision !== "bypass");
  const named = { ...application, policies };
  return decideFor(facts, named, proof.session, "none").outcome === "allow";
}

async function issue(
  c: LoginContext,
  { authorities, record, now, randomBytes }: CertificateParts,
  { application, proof }: Asker,
  { key, principal, validBefore, extensions }: Grant,
): Promise<Response> {
  const { facts } = c.var;
  const { email } = proof.session.identity;
  const authority = await authorities.of(application.aud);
  const serial = randomBytes(8).readBigUInt64BE();
  // sshd writes it down at each login: the ray ID leads from there to our line.
  const keyId = `${email}/${facts.rayId}`;
  const content = {
    key,
    serial,
    keyId,
    principals: [principal],
    // A server whose clock is behind takes it as well.
    validAfter: Math.floor((now() - clockTolerance) / 1000),
    validBefore,
    extensions,
  };
  const certificate = await signUserCertificate(content, authority, randomBytes);
  const expiresAt = new Date(validBefore * 1000).toISOString();
  record({
    event: "ssh_certificate_signed",
    ...requestFields(facts),
    ...askerFields({ application, proof }),
    principal,
    serial: String(serial),
    key: fingerprintOf(key),
    expires_at: expiresAt,
  });
  return sendJson(c, 200, { id: keyId, certificate, expires_at: expiresAt });
}

function refuseStranger(c: LoginContext, answer: CertificateRefusal): Response {
  recordRefusal(c, answer.status, answer.message);
  return sendRefusal(c, answer);
}

function refuseUnprovenAsker(c: LoginContext, asker: Asker, fault: PossessionFault): Response {
  c.header(headers.error, fault);
  return refuseAsker(c, asker, refusal(401, possessionFaults[fault]));
}

/** Somebody who is known by name has a line of their own. */
function refuseAsker(c: LoginContext, asker: Asker, answer: CertificateRefusal): Response {
  const { status, message: reason } = answer;
  const fields = { ...requestFields(c.var.facts), ...askerFields(asker), status, reason };
  c.var.record({ event: "ssh_certificate_refused", ...fields });
  return sendRefusal(c, answer);
}

function askerFields({ application, proof }: Asker) {
  const { aud, name } = application;
  return { aud, application: name, email: proof.session.identity.email };
}

const foreignToken = refusal(
  401,
  "The token is not one that a terminal got here, or its session has ended; sign in again.",
);
const noCertificates = refusal(
  404,
  "This application signs no SSH certificates: whoever runs the gateway has to set ssh_certificates.",
);
const denied = refusal(403, "Policy does not let you in to this application.");
const tooMany = refusal(
  429,
  "Your session has asked for too many SSH certificates; wait ten minutes.",
);

const principalFaults: Readonly<Record<PrincipalFault, string>> = {
  unmapped_domain: "This application signs no SSH certificates for the domain of your email.",
  not_an_account_name:
    "Your email names no account: before its @ only letters, digits, dots, dashes and underscores may stand, 32 at most.",
  system_account: "Your email names an account of the system, for which nobody gets a certificate.",
};

const keyFaults: Readonly<Record<KeyFault, string>> = {
  not_a_key_line: "The public_key is not one line of a type and a key, as in authorized_keys.",
  unsupported_type: `The public_key is of another type than these: ${keyTypes.join(", ")}.`,
  malformed: "The public_key is damaged: what it holds is no key of its type.",
  rsa_length: "The public_key is RSA of fewer than 2048 or more than 8192 bits.",
};
