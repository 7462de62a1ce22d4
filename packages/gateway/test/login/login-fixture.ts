// A gateway's sign-in behind real sockets, with a real store, data path and origin, and with what a
// test needs to hold: the clock, the parts to make tokens with, a mail server and an identity
// provider where they are wanted.
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { freePort, startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import {
  type Account,
  type IdentityProviderServer,
  startIdentityProvider,
} from "../../../../test/support/identity-provider.ts";
import {
  codeIn,
  type MailServer,
  type RefuseMail,
  startMailServer,
} from "../../../../test/support/mail-server.ts";
import { startUpstream, type Upstream } from "../../../../test/support/upstream.ts";
import type { Parts } from "../../src/compose.ts";
import { defined } from "../../src/defined.ts";
import { createSendMail } from "../../src/login/mail.ts";
import type { Identity } from "../../src/model/model.ts";
import type { GatewayEvent } from "../../src/observe/events.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { Person } from "./person.ts";

export const ada = "ada@example.com";
export const bob = "bob@example.com";

export interface LoginFixture {
  port: number;
  team: string;
  app(name: string): string;
  aud(name: string): string;
  parts: Parts;
  upstream: Upstream;
  clock: TestGateway["clock"];
  mail: MailServer | undefined;
  idp: IdentityProviderServer | undefined;
  /** everything that the gateway recorded */
  events: GatewayEvent[];
  /** the last PIN that was announced for an address */
  pins: ReadonlyMap<string, string>;
  /** opens a URL and signs in with the one-time PIN */
  signIn(url: string, email?: string, person?: Person): Promise<Person>;
  /** a session made without a login */
  session(kind: StoredSession["kind"], email?: string): Promise<StoredSession>;
  /** puts other sections into force */
  change(sections: Record<string, unknown>): Promise<void>;
}

export interface LoginFixtureOptions {
  sections?: Record<string, unknown>;
  /** sends PINs over SMTP instead of announcing them; a function scripts the server's refusals */
  mail?: boolean | RefuseMail;
  mailRetryDelays?: readonly number[];
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

export async function startLoginFixture(
  context: TestContext,
  options: LoginFixtureOptions = {},
): Promise<LoginFixture> {
  const port = await freePort();
  const team = `http://login.localhost:${port}`;
  const upstream = await startUpstream();
  const mail = await startMail(options.mail);
  const idp = options.accounts === undefined ? undefined : await startProvider(team, options);
  const sectionsWith = (sections: Record<string, unknown>) => ({
    organization: { name: "Test" },
    identity_providers: providers(options, idp),
    ingress: [{ service: upstream.origin }],
    applications: applications(),
    ...sections,
  });
  const gateway = await startGateway({
    port,
    sections: sectionsWith(options.sections ?? {}),
    ...(mail === undefined
      ? {}
      : { sendMail: createSendMail({ url: mail.url, from: "access@example.com" }) }),
    ...defined({ mailRetryDelays: options.mailRetryDelays }),
  });
  context.after(async () => {
    await gateway.close();
    await Promise.all([upstream.close(), mail?.close(), idp?.close()]);
  });
  const { parts } = gateway;
  return {
    port,
    team,
    app: (name) => gateway.origin(`${name}.localhost`),
    aud: (name) => gateway.aud(`${name}.localhost`),
    parts,
    upstream,
    clock: gateway.clock,
    mail,
    idp,
    events: gateway.events,
    pins: gateway.pins,
    async signIn(url, email = ada, person = new Person()) {
      await person.open(url);
      await person.press("Send me a code", { email });
      const code = mail === undefined ? gateway.pin(email) : codeIn(await mail.next(email));
      await person.press("Sign in", { code: code ?? "" });
      return person;
    },
    session: (kind, email = ada) =>
      parts.sessions.start({
        kind,
        identity: identityOf(email),
        userAgent: "test",
        lifetimeMs: 36e5,
      }),
    change: (sections) => gateway.change(sectionsWith(sections)),
  };
}

async function startMail(mail: LoginFixtureOptions["mail"]): Promise<MailServer | undefined> {
  if (mail === undefined || mail === false) return undefined;
  return mail === true ? startMailServer() : startMailServer(mail);
}

function startProvider(
  team: string,
  options: LoginFixtureOptions,
): Promise<IdentityProviderServer> {
  return startIdentityProvider({
    redirectUri: `${team}/cdn-cgi/access/callback`,
    accounts: options.accounts ?? {},
    claimsInIdToken: options.claimsInIdToken === true,
    ...defined({ tamper: options.tamper }),
  });
}

function providers(
  options: LoginFixtureOptions,
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
