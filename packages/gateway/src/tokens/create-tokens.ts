// Puts together what issues and verifies every token (wire-protocol 2): keys, sessions, caches.
import { getHeapStatistics } from "node:v8";
import { decodeToken, maxTokenLength } from "@postern/protocol";
import type { CatalogSource } from "../catalog/catalog.ts";
import type { Clock, Stopwatch } from "../clock.ts";
import { sessionLength } from "../model/session-length.ts";
import type { RandomBytes } from "../random.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { Store } from "../storage/store.ts";
import type { StrangerLimits } from "../stranger-limits.ts";
import { createDescriber } from "./describe.ts";
import { Generations } from "./generations.ts";
import { TokenIssuer } from "./issue.ts";
import type { KeySource } from "./issuer-keys.ts";
import { LiveSessions } from "./live-sessions.ts";
import type { GenerateKeyPair } from "./make-signing-key.ts";
import { openMeta, sealMeta } from "./meta.ts";
import { OriginAssertions } from "./origin-assertions.ts";
import { PossessionChecker } from "./possession.ts";
import { openSigningKeys } from "./signing-keys.ts";
import { TokenVerifier } from "./token-verifier.ts";
import type { Tokens } from "./tokens.ts";
import { WorkloadTokens } from "./workload-tokens.ts";

export interface TokensDeps {
  store: Pick<Store, "keys" | "sessions" | "generations">;
  secretBox: SecretBox;
  catalogs: CatalogSource;
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
  /** 64 hex characters: the `aud` of org tokens */
  organizationTag: string;
  /** sessions that are remembered, at most; default: an eighth of the heap's worth */
  cachedSessions?: number | undefined;
  limits: Pick<StrangerLimits, "take">;
  /** is told why the keys of an issuer that policies name could not be fetched */
  onIssuerFailure?: (source: KeySource, error: unknown) => void;
  /** makes the pairs that sign; default: a new RSA pair each time */
  generateKeyPair?: GenerateKeyPair | undefined;
}

/** What a session with its token and its assertion takes in memory, measured, bytes. */
const sessionSize = 4_096;
const fewestCachedSessions = 20_000;

/** As many sessions as fit into an eighth of what the heap may grow to. */
function sessionsThatFit(): number {
  const share = getHeapStatistics().heap_size_limit / 8;
  return Math.max(fewestCachedSessions, Math.floor(share / sessionSize));
}

/** @throws {Error} when the store's keys cannot be read or unsealed */
export async function createTokens(deps: TokensDeps): Promise<Tokens> {
  const { store, secretBox, catalogs, now, elapsed, organizationTag } = deps;
  const capacity = deps.cachedSessions ?? sessionsThatFit();
  const issuer = () => catalogs.current().issuer;
  const keys = await openSigningKeys({
    ...deps,
    keys: store.keys,
    commonName: new URL(issuer()).hostname,
    longestToken: () => longestToken(catalogs),
  });
  const sessions = new LiveSessions(store.sessions, capacity);
  const generations = new Generations(store.generations);
  const issuerDeps = { keys, catalogs, organizationTag, generations, now, elapsed };
  const issue = new TokenIssuer(issuerDeps);
  const assertions = new OriginAssertions({ ...issuerDeps, capacity });
  const describe = createDescriber(issuerDeps, deps.limits);
  const verify = new TokenVerifier({ ...issuerDeps, sessions, issuer, capacity });
  const onFailure = deps.onIssuerFailure ?? (() => {});
  const workloads = new WorkloadTokens({ now, elapsed, onFailure });
  const possession = new PossessionChecker({ now, elapsed });
  const metaKey = { key: secretBox.derive("meta"), now };

  const tokens: Tokens = {
    issueOrg: (session, browser) => issue.org(session, browser),
    issueApp: (session, application, lifetimeMs, browser) =>
      issue.app(session, application, lifetimeMs, browser),
    issuePass: (session, application, htu, lifetimeMs, scope) =>
      issue.pass(session, application, htu, lifetimeMs, scope),
    issueGrant: (session, application, grant) => issue.grant(session, application, grant),
    personAssertion: (proof) => assertions.ofPerson(proof),
    passAssertion: (proof, application) => assertions.ofPass(proof, application),
    linkedAssertion: (proof, application) => assertions.ofLinked(proof, application),
    workloadAssertion: (application, workload) => assertions.ofWorkload(application, workload),
    serviceAssertion: (application, clientId) => assertions.ofService(application, clientId),
    issueMatch: describe,
    sealMeta: (content) => sealMeta(metaKey, content),
    openMeta: (token) => openMeta(metaKey, token),

    cachedApp: (token, aud) => verify.cachedApp(token, aud),
    verifyApp: (token, aud) => verify.app(token, aud),
    cachedGrant: (token, aud) => verify.cachedGrant(token, aud),
    verifyGrant: (token, aud) => verify.grant(token, aud),
    verifyOrg: (token) => verify.org(token),
    verifyPass: (token, aud) => verify.pass(token, aud),
    verifyWorkload: (token, application) => workloads.verify(token, application),
    verifyAssertion: (token, aud) => verify.assertion(token, aud),
    isAlive: async (sessionId) => (await sessions.find(sessionId, now())) !== undefined,
    checkProof: (holder, request) => possession.check(holder, request),
    isOurs: (token) => isIssuedBy(issuer(), token),

    certs: () => keys.certs(),
    rotateKeys: () => keys.rotate(),
    redateKeys: (latest) => keys.redate(latest),
    cacheReadings: () => ({
      ...verify.readings(),
      session: sessions.reading,
      assertion: assertions.reading,
    }),
    forgetSessions(ids) {
      sessions.forget(ids);
      tokens.onForgotten?.(ids);
    },
    forgetAllSessions() {
      sessions.forgetAll();
      generations.forgetAll();
      tokens.onForgotten?.("all");
    },
    storeContact: "kept",
    onForgotten: undefined,
    generationOf: (aud) => generations.find(aud),
    knownGenerationOf: (aud) => generations.known(aud),
    forgetGeneration(aud) {
      generations.forget(aud);
      tokens.onRevoked?.(aud);
    },
    onRevoked: undefined,
    reloadKeys: () => keys.reload(),
  };
  return tokens;
}

function isIssuedBy(issuer: string, token: string): boolean {
  // Nearly every other `token` argument is told by its first letters: `{"` in base64url.
  if (!token.startsWith("eyJ") || token.length > maxTokenLength) return false;
  // The rest is told without an exception: strangers send thousands in one request. A token whose
  // claims do not show the issuer as we write it was not issued here.
  const claimsStart = token.indexOf(".") + 1;
  const claimsEnd = token.indexOf(".", claimsStart);
  if (claimsStart === 0 || claimsEnd < 0) return false;
  const claims = Buffer.from(token.slice(claimsStart, claimsEnd), "base64url").toString();
  if (!claims.includes(issuer)) return false;
  try {
    return decodeToken(token).claims["iss"] === issuer;
  } catch {
    return false;
  }
}

/** The longest session that the configuration in force can make, milliseconds. */
function longestToken(catalogs: CatalogSource): number {
  const { organization, applications } = catalogs.current();
  const policies = applications.flatMap((application) => application.policies);
  const durations = [organization, ...applications, ...policies]
    .map((each) => each.session_duration)
    .filter((duration) => duration !== undefined);
  return Math.max(...["24h", ...durations].map(sessionLength));
}
