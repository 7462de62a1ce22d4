// The assertions that origins get in `Cf-Access-Jwt-Assertion` (wire-protocol 2). An origin never
// gets the credential itself: with that it could act as the person elsewhere. Each assertion is
// signed once, away from the thread that serves requests, and handed out as long as it is good.
import { createHash } from "node:crypto";
import type { AppClaims } from "@postern/protocol";
import { BoundedCache, type CacheReading } from "../bounded-cache.ts";
import type { Application, Workload } from "../model/model.ts";
import {
  assertionClaims,
  linkedClaims,
  personClaims,
  serviceClaims,
  workloadClaims,
} from "./claims.ts";
import { generationOf } from "./generations.ts";
import { type IssuerDeps, issuanceOf } from "./issue.ts";
import { ownCopy } from "./own-copy.ts";
import type { AppProof, LinkedProof, PassProof } from "./tokens.ts";

const serviceAssertionLife = 10 * 60_000;
/** What an origin gets must be good for a while: the last minute is left unused. Seconds. */
const unusedSeconds = 60;

export interface AssertionDeps extends IssuerDeps {
  /** assertions that are kept, at most */
  capacity: number;
}

/** A signed assertion. */
interface SignedAssertion {
  token: string;
  /** seconds since the epoch, as in the token */
  iat: number;
  exp: number;
}

/** An assertion that is signed, or that is being signed for everybody who asks meanwhile. */
interface Entry {
  /** seconds since the epoch */
  iat: number;
  exp: number;
  assertion: SignedAssertion | Promise<SignedAssertion>;
}

export class OriginAssertions {
  readonly #deps: AssertionDeps;
  readonly #entries: BoundedCache<string, Entry>;
  /** a miss: one that had to be signed */
  readonly reading: CacheReading = { hits: 0, misses: 0 };

  constructor(deps: AssertionDeps) {
    this.#deps = deps;
    this.#entries = new BoundedCache(deps.capacity);
  }

  /**
   * The assertion for a person with an application token: what that token says, without the right
   * to use it. A promise for the first request of a session; later ones wait for nothing.
   */
  ofPerson(proof: AppProof): string | Promise<string> {
    const { assertion, claims } = proof;
    if (assertion !== undefined && isUsable(assertion, this.#deps.now())) {
      this.reading.hits++;
      return assertion.token;
    }
    const signed = this.#find(`person ${digestOf(claims)}`, claims);
    if (signed instanceof Promise) return signed.then((late) => attach(proof, late));
    return attach(proof, signed);
  }

  /** The assertion for a person with a pass: no wider and no longer than the pass. */
  ofPass({ claims: pass, session }: PassProof, application: Application): string | Promise<string> {
    const { htu, exp } = pass;
    const lifetimeMs = exp * 1000 - this.#deps.now();
    const issuance = issuanceOf(this.#deps, generationOf(pass));
    const person = personClaims(issuance, session, application, lifetimeMs);
    const claims = { ...person, exp: Math.min(person.exp, exp), htu };
    return tokenOf(this.#find(`pass ${session.id} ${exp} ${digestOf(claims)}`, claims));
  }

  /** The assertion for a person in whose name the origin of another application asks. */
  ofLinked(proof: LinkedProof, application: Application): string | Promise<string> {
    const { session, linked, exp } = proof;
    const claims = linkedClaims(issuanceOf(this.#deps), session, application, linked, exp);
    return tokenOf(this.#find(`linked ${session.id} ${exp} ${digestOf(claims)}`, claims));
  }

  /** The assertion for a program with a service token; lives 10 minutes. */
  ofService(application: Application, clientId: string): string | Promise<string> {
    const { keys, catalogs } = this.#deps;
    const key = `service ${keys.kid()} ${catalogs.current().issuer} ${application.aud} ${clientId}`;
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#serves(entry)) {
      this.reading.hits++;
      return tokenOf(entry.assertion);
    }
    const issuance = issuanceOf(this.#deps);
    const claims = serviceClaims(issuance, application, clientId, serviceAssertionLife);
    return tokenOf(this.#sign(key, claims));
  }

  /** The assertion for a workload: 10 minutes, and no longer than the token that it showed. */
  ofWorkload(application: Application, workload: Workload): string | Promise<string> {
    const claims = workloadClaims(
      issuanceOf(this.#deps),
      application,
      workload,
      serviceAssertionLife,
    );
    const key = `workload ${this.#deps.keys.kid()} ${workload.expiresAt} ${digestOf(claims)}`;
    return tokenOf(this.#find(key, claims));
  }

  #find(key: string, claims: AppClaims): SignedAssertion | Promise<SignedAssertion> {
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#serves(entry, claims.exp)) {
      this.reading.hits++;
      return entry.assertion;
    }
    return this.#sign(key, claims);
  }

  /**
   * Whether the entry is good for a while, or for as long as a new one would be. One that is dated
   * in the future stems from before a clock was put back: origins would refuse it.
   * @param latestExp when a new one would end, seconds
   */
  #serves({ iat, exp }: Entry, latestExp = Number.POSITIVE_INFINITY): boolean {
    const now = this.#deps.now() / 1000;
    return iat <= now && (exp > now + unusedSeconds || exp >= latestExp);
  }

  #sign(key: string, source: AppClaims): Promise<SignedAssertion> {
    this.reading.misses++;
    const claims = assertionClaims(source, this.#deps.now());
    const { iat, exp } = claims;
    const signing = this.#deps.keys
      .sign(claims)
      .then((token) => ({ token: ownCopy(token), iat, exp }));
    const entry: Entry = { iat, exp, assertion: signing };
    this.#entries.set(key, entry);
    signing.then(
      (signed) => {
        entry.assertion = signed;
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return signing;
  }
}

function isUsable(times: { usableFrom: number; usableUntil: number }, now: number): boolean {
  return times.usableFrom <= now && now < times.usableUntil;
}

/** Keeps an assertion beside the token that it stands for, where no look-up is needed. */
function attach(proof: AppProof, { token, iat, exp }: SignedAssertion): string {
  const lastsAsLong = exp >= proof.claims.exp;
  const usableUntil = lastsAsLong ? Number.POSITIVE_INFINITY : (exp - unusedSeconds) * 1000;
  proof.assertion = { token, usableFrom: iat * 1000, usableUntil };
  return token;
}

function tokenOf(assertion: SignedAssertion | Promise<SignedAssertion>): string | Promise<string> {
  if (assertion instanceof Promise) return assertion.then(({ token }) => token);
  return assertion.token;
}

/** Names what a token says, whenever it was issued and whoever carries it. */
function digestOf(claims: AppClaims): string {
  const content = { ...claims, iat: 0, nbf: 0, exp: 0, terminal: undefined, browser: undefined };
  return createHash("sha256").update(JSON.stringify(content)).digest("base64");
}
