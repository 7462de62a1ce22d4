// A gateway's sign-in behind real sockets, with a real store, data path and origin, and with what a
// test needs to hold: the clock, the parts to make tokens with, a mail server and an identity
// provider where they are wanted.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { TestContext } from "node:test";
import { freePort } from "../../../../test/support/gateway.ts";
import {
  type Account,
  type IdentityProviderServer,
  startIdentityProvider,
} from "../../../../test/support/identity-provider.ts";
import { codeIn, type MailServer, startMailServer } from "../../../../test/support/mail-server.ts";
import { startUpstream, type Upstream } from "../../../../test/support/upstream.ts";
import { createRequestHandler } from "../../src/access/handle-request.ts";
import { createCatalogSource } from "../../src/catalog/catalog-source.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { LoginDependencies } from "../../src/login/dependencies.ts";
import { createSendMail } from "../../src/login/mail.ts";
import { renderErrorPage } from "../../src/login/pages/layout.ts";
import { createLogin } from "../../src/login/routes.ts";
import type { Identity } from "../../src/model/model.ts";
import type { Log } from "../../src/observe/log.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";
import { openSqliteStore } from "../../src/storage/sqlite.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { createTokens } from "../../src/tokens/index.ts";
import { createSessions } from "../../src/tokens/sessions.ts";
import { Person } from "./person.ts";

export const ada = "ada@example.com";
export const bob = "bob@example.com";

export interface LoginRoom {
  port: number;
  team: string;
  app(name: string): string;
  aud(name: string): string;
  deps: LoginDependencies;
  upstream: Upstream;
  clock: { ahead: number };
  mail: MailServer | undefined;
  idp: IdentityProviderServer | undefined;
  /** every line that was logged, as JSON */
  logged: string[];
  /** the last PIN for an address that was made known */
  pins: Map<string, string>;
  /** opens a URL and signs in with the one-time PIN */
  signIn(url: string, email?: string, person?: Person): Promise<Person>;
  /** a session made without a login */
  session(kind: StoredSession["kind"], email?: string): Promise<StoredSession>;
  /** puts other sections into force */
  change(sections: Record<string, unknown>): Promise<void>;
}

export interface LoginRoomOptions {
  sections?: Record<string, unknown>;
  /** sends PINs over SMTP instead of announcing them */
  mail?: boolean;
  /** accounts of an OpenID Provider, which becomes the provider `corp` */
  accounts?: Record<string, Account>;
  claimsInIdToken?: boolean;
  tamper?: (path: string, body: string) => string;
  /** added to `corp`; `"explicit"` states the three addresses instead of the issuer */
  corp?: Record<string, unknown> | "explicit";
  noPin?: boolean;
}

const allow = (include: Record<string, unknown>[]) => [
  { name: "people", decision: "allow", include },
];
const everybody = allow([{ everyone: {} }]);

/** `app.localhost` and `other.localhost` for everybody, `bob.localhost` for Bob alone. */
export function applications(): Record<string, unknown>[] {
  const application = (name: string, host: string, policies: unknown) => {
    return { name, type: "self_hosted", domain: host, session_duration: "8h", policies };
  };
  return [
    application("The API", "app.localhost", everybody),
    application("Another", "other.localhost", everybody),
    application("Bob's", "bob.localhost", allow([{ email: { email: bob } }])),
  ];
}

export async function startLoginRoom(
  context: TestContext,
  options: LoginRoomOptions = {},
): Promise<LoginRoom> {
  const port = await freePort();
  const team = `http://login.localhost:${port}`;
  const upstream = await startUpstream();
  const mail = options.mail === true ? await startMailServer() : undefined;
  const idp =
    options.accounts === undefined
      ? undefined
      : await startIdentityProvider({
          redirectUri: `${team}/cdn-cgi/access/callback`,
          accounts: options.accounts,
          claimsInIdToken: options.claimsInIdToken === true,
          ...(options.tamper === undefined ? {} : { tamper: options.tamper }),
        });
  const configOf = (sections: Record<string, unknown>) => {
    const document = {
      auth_domain: `login.localhost:${port}`,
      listen: `127.0.0.1:${port}`,
      store: "sqlite::memory:",
      organization: { name: "Test" },
      identity_providers: providers(options, idp),
      ingress: [{ service: upstream.origin }],
      applications: applications(),
      ...sections,
    };
    return loadConfig({
      text: JSON.stringify(document, null, 2),
      file: "test.yaml",
      environment: {},
    }).config;
  };
  const logged: string[] = [];
  const write = (fields: Record<string, unknown>, message: string) =>
    void logged.push(JSON.stringify({ ...fields, message }));
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const clock = { ahead: 0 };
  const now = () => Date.now() + clock.ahead;
  const pins = new Map<string, string>();

  const store = openSqliteStore(":memory:", { now });
  const secretBox = createSecretBox(randomBytes(32));
  const catalogs = await createCatalogSource({
    store,
    secretBox,
    config: configOf(options.sections ?? {}),
    now,
  });
  const tokens = await createTokens({
    store,
    secretBox,
    catalogs,
    now,
    organizationTag: randomBytes(32).toString("hex"),
  });
  const sessions = createSessions({ store, tokens, now });
  const deps: LoginDependencies = {
    catalogs,
    store,
    tokens,
    sessions,
    secretBox,
    sendMail:
      mail === undefined
        ? undefined
        : createSendMail({ url: mail.url, from: "access@example.com" }),
    announcePin: mail === undefined ? (email, pin) => pins.set(email, pin) : undefined,
    log,
    now,
  };
  const reserved = createLogin(deps);
  const allowedPorts = new Set([port]);
  const handler = createRequestHandler({
    catalogs,
    tokens,
    reserved,
    renderErrorPage,
    scheme: "http",
    allowedPorts,
    trustedProxies: [],
    log,
    now,
  });
  // The bound on heads that configurations have unless they say otherwise.
  const server = createServer({ maxHeaderSize: 65_536 }, handler);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  context.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await Promise.all([upstream.close(), mail?.close(), idp?.close()]);
    await store.close();
  });

  const room: LoginRoom = {
    port,
    team,
    app: (name) => `http://${name}.localhost:${port}`,
    aud: (name) =>
      catalogs.current().applications.find((each) => each.domains[0] === `${name}.localhost`)
        ?.aud ?? "",
    deps,
    upstream,
    clock,
    mail,
    idp,
    logged,
    pins,
    async signIn(url, email = ada, person = new Person()) {
      await person.open(url);
      await person.press("Send me a code", { email });
      await person.press("Sign in", {
        code: mail === undefined ? (pins.get(email) ?? "") : codeIn(await mail.next(email)),
      });
      return person;
    },
    session: (kind, email = ada) =>
      sessions.start({ kind, identity: identityOf(email), userAgent: "test", lifetimeMs: 36e5 }),
    change: (sections) => catalogs.apply(configOf(sections)),
  };
  return room;
}

function providers(
  options: LoginRoomOptions,
  idp: IdentityProviderServer | undefined,
): Record<string, unknown>[] {
  const pin = { id: "pin", name: "One-time PIN", type: "onetimepin", config: {} };
  const list: Record<string, unknown>[] = options.noPin === true ? [] : [pin];
  if (idp === undefined) return list;
  const client = {
    client_id: idp.clientId,
    client_secret: idp.clientSecret,
    scopes: ["openid", "email", "profile", "groups"],
  };
  const where =
    options.corp === "explicit"
      ? idp.urls
      : { issuer: idp.issuer, claims: ["department"], ...options.corp };
  return [
    { id: "corp", name: "Example SSO", type: "oidc", config: { ...client, ...where } },
    ...list,
  ];
}

export function identityOf(email: string): Identity {
  const iat = Math.floor(Date.now() / 1000);
  return {
    email,
    name: "",
    idp: { id: "pin", type: "onetimepin" },
    groups: [],
    oidc_fields: {},
    amr: [],
    ip: "127.0.0.1",
    country: "",
    iat,
  };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
