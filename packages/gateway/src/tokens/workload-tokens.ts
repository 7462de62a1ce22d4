// Tokens of other issuers, which programs show instead of a secret: those of CI jobs and of pods.
// An issuer counts where a policy of the application names it. What costs nothing is checked first,
// so that a stranger causes neither a fetch nor a verification by a token that says itself that it
// is no good (RFC 8725).
import { createHash } from "node:crypto";
import { checkTimes, decodeToken, isNumericDate, ProtocolError } from "@postern/protocol";
import { compactVerify } from "jose";
import { BoundedCache } from "../bounded-cache.ts";
import type { Clock } from "../clock.ts";
import type { Application, Workload, WorkloadRule } from "../model/model.ts";
import { type IssuerKey, IssuerKeys, type IssuerKeysDeps, type KeySource } from "./issuer-keys.ts";

/** Why such a token does not count. */
export type WorkloadFault =
  | "workload_token_malformed"
  | "workload_token_expired"
  | "workload_token_early"
  | "workload_wrong_audience"
  | "workload_bad_signature"
  | "workload_keys_unavailable";

export type WorkloadVerification =
  | { ok: true; workload: Workload }
  | { ok: false; fault: WorkloadFault };

/** Asymmetric alone: with HS256 the public key would be the secret (RFC 8725 2.1). */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

const mostVerified = 10_000;
/** A key that its issuer withdraws counts no longer than this, milliseconds. */
const verifiedFor = 5 * 60_000;
const longestKid = 500;
const longestSubject = 1_000;

interface Verified {
  workload: Workload;
  /** milliseconds since the epoch */
  until: number;
}

export interface WorkloadTokensDeps extends IssuerKeysDeps {
  now: Clock;
}

/** What a token says of itself, before anybody has verified it. */
interface Statement {
  kid: string;
  subject: string;
  audiences: string[];
  claims: Record<string, unknown>;
  expiresAt: number;
}

/** Verifies, and remembers what was verified. */
export class WorkloadTokens {
  readonly #deps: WorkloadTokensDeps;
  readonly #keys: IssuerKeys;
  /** by the hash of the token and the source of its keys */
  readonly #verified = new BoundedCache<string, Verified>(mostVerified);

  constructor(deps: WorkloadTokensDeps) {
    this.#deps = deps;
    this.#keys = new IssuerKeys(deps);
  }

  /**
   * Whose program has the token; undefined where no policy of the application names its issuer. A
   * promise only where it was not verified a moment ago.
   */
  verify(
    token: string,
    application: Pick<Application, "policies">,
  ): undefined | WorkloadVerification | Promise<WorkloadVerification> {
    const rules = application.policies.flatMap(({ workloads }) => workloads);
    if (rules.length === 0) return undefined;

    // 1. The issuer, which the configuration names and not the token.
    const decoded = decode(token);
    const issuer = decoded?.claims["iss"];
    const ofIssuer = rules.filter(({ rule }) => rule.issuer === issuer);
    if (decoded === undefined || ofIssuer.length === 0) return undefined;

    // 2. What it says of itself.
    const statement = readStatement(decoded, this.#deps.now());
    if (!("kid" in statement)) return statement;
    const meant = ofIssuer.filter(({ rule }) => statement.audiences.includes(rule.audience));
    if (meant.length === 0) return refused("workload_wrong_audience");

    // 3. Its signature, by a key of its issuer.
    const hash = createHash("sha256").update(token).digest("base64");
    const sources = sourcesOf(meant);
    for (const source of sources) {
      const known = this.#verified.get(nameOf(hash, source));
      if (known !== undefined && this.#deps.now() < known.until)
        return { ok: true, workload: known.workload };
    }
    return this.#verifyWith(sources, token, statement, hash);
  }

  async #verifyWith(
    sources: readonly KeySource[],
    token: string,
    statement: Statement,
    hash: string,
  ): Promise<WorkloadVerification> {
    let fault: WorkloadFault = "workload_bad_signature";
    for (const source of sources) {
      const answer = await this.#keys.find(source, statement.kid);
      if (!answer.ok && answer.fault === "keys_unavailable") fault = "workload_keys_unavailable";
      if (!answer.ok || !(await isSigned(token, answer.key))) continue;
      return { ok: true, workload: this.#remember(source, statement, hash) };
    }
    return refused(fault);
  }

  #remember({ issuer, jwksUri }: KeySource, statement: Statement, hash: string): Workload {
    const { subject, audiences, claims, expiresAt } = statement;
    const workload = { issuer, jwksUri, subject, audiences, claims, expiresAt };
    const until = Math.min(expiresAt, this.#deps.now() + verifiedFor);
    this.#verified.set(nameOf(hash, { issuer, jwksUri }), { workload, until });
    return workload;
  }
}

function refused(fault: WorkloadFault): WorkloadVerification & { ok: false } {
  return { ok: false, fault };
}

function nameOf(hash: string, { issuer, jwksUri }: KeySource): string {
  return `${hash} ${issuer} ${jwksUri ?? ""}`;
}

/** Where keys of the rules' issuer are: one place, unless rules name several. */
function sourcesOf(rules: readonly WorkloadRule[]): KeySource[] {
  const sources = new Map<string | undefined, KeySource>();
  for (const { rule } of rules)
    sources.set(rule.jwks_uri, { issuer: rule.issuer, jwksUri: rule.jwks_uri });
  return [...sources.values()];
}

function decode(token: string): ReturnType<typeof decodeToken> | undefined {
  try {
    return decodeToken(token);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Everything but the signature. `jwk`, `jku`, `x5u` and `x5c` are never read (wire-protocol 2). */
function readStatement(
  { header, claims }: ReturnType<typeof decodeToken>,
  now: number,
): Statement | (WorkloadVerification & { ok: false }) {
  // 1. The form: the algorithm before any key is looked at (case T3).
  const { alg, kid, typ = "JWT", crit } = header;
  const isAllowed = typeof alg === "string" && algorithms.includes(alg);
  const isPlain = typeof typ === "string" && /^(?:at\+)?jwt$/i.test(typ) && crit === undefined;
  const subject = textOf(claims["sub"], longestSubject);
  const name = textOf(kid, longestKid);
  if (!isAllowed || !isPlain || subject === undefined || name === undefined)
    return refused("workload_token_malformed");

  // 2. The times.
  const fault = timeFault(claims, now);
  if (fault !== undefined) return refused(fault);

  const audiences = audiencesOf(claims["aud"]);
  return { kid: name, subject, audiences, claims, expiresAt: Number(claims["exp"]) * 1000 };
}

/** RFC 7519 4.1.3: one text, or a list of texts and of nothing else. */
function audiencesOf(aud: unknown): string[] {
  const list: unknown[] = [aud].flat();
  return list.every((each) => typeof each === "string") ? list : [];
}

function textOf(value: unknown, longest: number): string | undefined {
  const isText = typeof value === "string" && value !== "" && value.length <= longest;
  return isText ? value : undefined;
}

function timeFault(claims: Record<string, unknown>, now: number): WorkloadFault | undefined {
  try {
    checkTimes(claims, now / 1000);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    if (error.code === "expired") return "workload_token_expired";
    return isNumericDate(claims["exp"]) ? "workload_token_early" : "workload_token_malformed";
  }
}

/** Whatever fails, a key of another kind included, is no signature. */
function isSigned(token: string, key: IssuerKey): Promise<boolean> {
  return compactVerify(token, key, { algorithms }).then(
    () => true,
    () => false,
  );
}
