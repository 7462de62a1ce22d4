// Real tokens on a real store, with a clock that a test moves, a catalog that it replaces, and the
// signing key in its hands to sign what the gateway never would.
import { createPrivateKey, type KeyObject, randomBytes, sign } from "node:crypto";
import type { TestContext } from "node:test";
import { testKeyPair } from "../../../../test/support/signing-keys.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { compileIngress } from "../../src/catalog/choose-service.ts";
import { noCountries } from "../../src/catalog/countries.ts";
import { HostIndex } from "../../src/catalog/host-index.ts";
import { strangerRates } from "../../src/compose.ts";
import type { Application, Identity, IdentityProvider } from "../../src/model/model.ts";
import { namesNothing } from "../../src/model/rules/atom.ts";
import { createSecretBox, type SecretBox } from "../../src/secrets/secret-box.ts";
import { openStore } from "../../src/storage/open-store.ts";
import type { Store, StoredSession } from "../../src/storage/store.ts";
import { OwnStrangerLimits } from "../../src/stranger-limits.ts";
import { createTokens } from "../../src/tokens/create-tokens.ts";
import { createSessions } from "../../src/tokens/sessions.ts";
import type { Sessions, Tokens } from "../../src/tokens/tokens.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
export const ada = "ada@example.com";

export interface TokenFixture {
  /** `now` moves both clocks, `stepped` the date alone */
  clock: { now: number; stepped: number };
  store: Store;
  secretBox: SecretBox;
  tokens: Tokens;
  sessions: Sessions;
  organizationTag: string;
  application: Application;
  /** seconds since the epoch */
  seconds(): number;
  /** puts other parts of the catalog into force */
  change(parts: Partial<Catalog>): void;
  session(kind?: StoredSession["kind"], parent?: StoredSession): Promise<StoredSession>;
  /** the key that signs now */
  signingKey(): Promise<{ kid: string; privateKey: KeyObject }>;
  /** tokens of another process that has the same store open */
  another(): Promise<Tokens>;
}

/** @param place ":memory:", or a file that two fixtures may share */
export async function openTokenFixture(
  context: TestContext,
  {
    place = ":memory:",
    secretKey = randomBytes(32),
    cachedSessions,
  }: { place?: string; secretKey?: Buffer; cachedSessions?: number } = {},
): Promise<TokenFixture> {
  const clock = { now: Date.UTC(2026, 10, 25), stepped: 0 };
  const now = () => clock.now + clock.stepped;
  const elapsed = () => clock.now;
  const application = applicationWith("a".repeat(64));
  let catalog = catalogWith([application]);
  const catalogs = { current: () => catalog };
  const store = await openStore(place, randomBytes);
  context.after(() => store.close());
  const secretBox = createSecretBox(secretKey, randomBytes);
  const organizationTag = await store.settings.get(
    "organization_tag",
    randomBytes(32).toString("hex"),
  );
  const limits = new OwnStrangerLimits(elapsed, strangerRates(60));
  const another = () =>
    createTokens({
      store,
      secretBox,
      catalogs,
      now,
      elapsed,
      randomBytes,
      organizationTag,
      limits,
      cachedSessions,
      generateKeyPair: testKeyPair,
    });
  const tokens = await another();
  const sessions = createSessions({ store, tokens, now, randomBytes });
  return {
    clock,
    store,
    secretBox,
    tokens,
    sessions,
    organizationTag,
    application,
    seconds: () => Math.floor(now() / 1000),
    change(parts) {
      catalog = { ...catalog, ...parts };
    },
    session: (kind = "browser", parent) =>
      sessions.start({
        kind,
        identity: identityOf(ada),
        ...(parent === undefined ? {} : { parent }),
        userAgent: "test",
        lifetimeMs: 24 * hour,
      }),
    async signingKey() {
      const current = (await store.keys.all()).find(({ state }) => state === "current");
      const pem =
        current && secretBox.open(current.sealed_private_key, `signing key ${current.kid}`);
      if (current === undefined || pem === undefined) throw new Error("no key signs");
      return { kid: current.kid, privateKey: createPrivateKey(pem) };
    },
    another,
  };
}

export function applicationWith(aud: string, more: Partial<Application> = {}): Application {
  return {
    id: aud.slice(0, 8),
    aud,
    name: "The API",
    type: "self_hosted",
    domains: ["app.example.com"],
    session_duration: "8h",
    allowed_idps: [],
    auto_redirect_to_identity: false,
    same_site_cookie_attribute: "lax",
    http_only_cookie_attribute: true,
    path_cookie_attribute: false,
    options_preflight_bypass: false,
    skip_interstitial: false,
    allow_encoded_slashes: false,
    policies: [],
    names: namesNothing,
    linkedApplications: [],
    ...more,
  };
}

function catalogWith(applications: Application[]): Catalog {
  const corp: IdentityProvider = {
    id: "corp",
    name: "Corp",
    type: "oidc",
    config: { client_id: "c", claims: ["department", "motto", "roles"] },
  };
  return {
    organization: { name: "Test", auth_domain: "login.example.com" },
    issuer: "https://login.example.com",
    teamHost: "login.example.com",
    relayHosts: new Set(),
    applications,
    bookmarks: [],
    applicationByAud: new Map(applications.map((each) => [each.aud, each])),
    patterns: [],
    hosts: new HostIndex([]),
    groups: new Map(),
    lists: new Map(),
    countries: noCountries,
    identityProviders: new Map([[corp.id, corp]]),
    serviceTokenByClientId: new Map(),
    ingress: compileIngress([]),
  };
}

export function identityOf(email: string, oidcFields: Record<string, unknown> = {}): Identity {
  return {
    email,
    name: "",
    idp: { id: "corp", type: "oidc" },
    groups: [],
    oidc_fields: oidcFields,
    amr: [],
    ip: "192.0.2.7",
    country: "NL",
    iat: 1,
  };
}

/**
 * A token with any header and claims, `undefined` leaving one out, and with whatever `seal` makes
 * of the first two parts.
 */
export function forge(header: object, claims: object, seal: (input: string) => Buffer): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${seal(input).toString("base64url")}`;
}

export function rs256(key: KeyObject): (input: string) => Buffer {
  return (input) => sign("sha256", Buffer.from(input), key);
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

export function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
}
