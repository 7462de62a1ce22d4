// Every page that a person can meet, in every state, on a gateway that a real browser and real
// terminals walk into them. Tests look at each, and `npm run screenshots` draws each.
import { createHash } from "node:crypto";
import { encodeTransferKey, generateTransferKeyPair } from "@postern/protocol";
import type { Page } from "playwright-core";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { send } from "../../packages/gateway/test/login/person.ts";
import { freePort, startGateway, type TestGateway } from "./gateway.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** Where the browser is, and where a terminal is that asks from elsewhere. */
const here = "203.0.113.9";
const elsewhere = "198.51.100.23";
const mia = "mia@nordlicht.example";
const tom = "tom@nordlicht.example";
const ownClient = "postern/0.1.0 (linux; x64)";
const officialClient = "cloudflared/2026.8.2";

/** One state of one page: how to get there, and what its heading says then. */
export interface PageState {
  name: string;
  heading: string;
  show(scene: PageScene): Promise<unknown>;
}

/** A gateway with people and terminals around it, and the browser that looks at it. */
export class PageScene {
  readonly page: Page;
  readonly gateway: TestGateway;
  readonly upstream: Upstream;
  readonly mail: { works: boolean };

  private constructor(
    page: Page,
    gateway: TestGateway,
    upstream: Upstream,
    mail: PageScene["mail"],
  ) {
    this.page = page;
    this.gateway = gateway;
    this.upstream = upstream;
    this.mail = mail;
  }

  static async start(page: Page): Promise<PageScene> {
    const upstream = await startUpstream();
    const mail = { works: true };
    const gateway = await startGateway({
      sections: sections(upstream.origin, await freePort()),
      sendMail: async () => {
        if (!mail.works) throw new Error("421 not now");
      },
      // No page goes away by itself while somebody looks at it.
      relay: { busyMs: 20, hangUpMs: 20, settlingMs: 5_000, refreshSeconds: 3_600 },
    });
    return new PageScene(page, gateway, upstream, mail);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.upstream.close();
  }

  /** Forgets everything that the state before left behind. */
  async reset(): Promise<void> {
    const context = this.page.context();
    await context.clearCookies();
    await context.setExtraHTTPHeaders({ "x-forwarded-for": here });
    this.gateway.clock.ahead = 0;
    this.mail.works = true;
  }

  app(name: string): string {
    return this.gateway.origin(`${name}.localhost`);
  }

  open(url: string): Promise<unknown> {
    return this.page.goto(url);
  }

  press(name: string): Promise<void> {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  heading(name: string): Promise<void> {
    return this.page.getByRole("heading", { name, exact: true }).waitFor();
  }

  /** Signs somebody in without a login. */
  async signIn(email = mia): Promise<void> {
    const { parts, team } = this.gateway;
    const session = await parts.sessions.start({
      kind: "browser",
      identity: identityOf(email),
      userAgent: "Chromium",
      lifetimeMs: 24 * 36e5,
    });
    const value = await parts.tokens.issueOrg(session);
    await this.page.context().addCookies([{ name: "CF_Authorization", value, url: team }]);
  }

  /** A terminal that begins to sign in to the application `freight`. */
  terminal({ userAgent = ownClient, from = here, confirms = false } = {}): SceneTerminal {
    const { publicKey } = generateTransferKeyPair();
    const token = encodeTransferKey(publicKey);
    const app = this.app("freight");
    const query = new URLSearchParams({
      aud: this.gateway.aud("freight.localhost"),
      edge_token_transfer: "true",
      redirect_url: `${app}/`,
      send_org_token: "true",
      token,
    });
    const confirmation: Record<string, string> = confirms
      ? { "cf-access-transfer-confirm": "1" }
      : {};
    const poll = (address: string) =>
      send(`${this.gateway.team}/transfer/${token}`, {
        headers: { "user-agent": userAgent, "x-forwarded-for": address, ...confirmation },
      });
    return {
      url: `${app}/cdn-cgi/access/cli?${query}`,
      poll: (address = from) => void poll(address).catch(() => undefined),
      mailbox: createHash("sha256").update(publicKey).digest("hex"),
    };
  }

  /** The page of a terminal that is on the line. */
  async askToApprove(options: Parameters<PageScene["terminal"]>[0] = {}): Promise<SceneTerminal> {
    await this.signIn();
    const terminal = this.terminal(options);
    terminal.poll();
    await this.open(terminal.url);
    await this.heading("Approve sign-in from a terminal");
    return terminal;
  }

  /** Puts other sections into force beside those of the scene, for one state. */
  async changed(more: Record<string, unknown>): Promise<void> {
    await this.gateway.change({ ...sections(this.upstream.origin, 1), ...more });
  }
}

export interface SceneTerminal {
  url: string;
  poll(from?: string): void;
  mailbox: string;
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
const onlyTom = [{ name: "only Tom", decision: "allow", include: [{ email: { email: tom } }] }];
const organization = { name: "Nordlicht Logistik" };

function sections(origin: string, unusedPort: number): Record<string, unknown> {
  const corp = (name: string) => ({
    id: name.toLowerCase().replace(/\W+/g, "-"),
    name,
    type: "oidc",
    config: { client_id: "postern", client_secret: "x", issuer: `http://127.0.0.1:${unusedPort}` },
  });
  const application = (name: string, domain: string, more: Record<string, unknown> = {}) => ({
    name,
    domain,
    session_duration: "8h",
    policies: everybody,
    ...more,
  });
  return {
    organization,
    trusted_proxies: ["127.0.0.0/8"],
    identity_providers: [
      corp("Nordlicht SSO"),
      corp("Entra ID"),
      corp("Partner Okta"),
      { id: "pin", name: "One-time PIN", type: "onetimepin", config: {} },
    ],
    smtp: { url: "smtp://127.0.0.1:1", from: "access@nordlicht.example" },
    ingress: [
      { hostname: "down.localhost", service: `http://127.0.0.1:${unusedPort}` },
      { hostname: "unrouted.localhost", service: "http_status:404" },
      { service: origin },
    ],
    applications: [
      application("Freight API", "freight.localhost"),
      application("Warehouse", "warehouse.localhost/stock*"),
      application("Down for repairs", "down.localhost"),
      application("Unrouted", "unrouted.localhost"),
      application("Customers' sites", "*.sites.localhost"),
      application("Ledger", "ledger.localhost", { policies: onlyTom }),
      application("Payroll", "payroll.localhost", {
        policies: onlyTom,
        custom_deny_message: "Payroll is for the finance team. Write to finance@nordlicht.example.",
      }),
      application("Internal", "internal.localhost", {
        policies: [
          {
            name: "programs",
            decision: "non_identity",
            include: [{ any_valid_service_token: {} }],
          },
        ],
      }),
    ],
  };
}

const approve = "Approve sign-in from a terminal";

/** @param name of an address that no other state uses: only so many codes are made for one */
async function askForCode(scene: PageScene, name: string): Promise<void> {
  await scene.open(scene.app("freight"));
  await scene.page.getByLabel("Email").fill(`${name}@nordlicht.example`);
  await scene.press("Send me a code");
  await scene.heading("Enter your code");
}

async function lastUsed(scene: PageScene, id: string): Promise<void> {
  const { team: url } = scene.gateway;
  await scene.page.context().addCookies([{ name: "postern_provider", value: id, url }]);
}

async function approved(scene: PageScene): Promise<SceneTerminal> {
  const terminal = await scene.askToApprove();
  await scene.press("Approve");
  await scene.heading("You are signed in");
  return terminal;
}

/** The states, by the page that they belong to. */
export const pageStates: readonly PageState[] = [
  {
    name: "home-signed-out",
    heading: "Nordlicht Logistik",
    show: (scene) => scene.open(scene.gateway.team),
  },
  {
    name: "home",
    heading: "Your applications",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.gateway.team);
    },
  },
  {
    name: "home-empty",
    heading: "Your applications",
    show: async (scene) => {
      await scene.changed({
        applications: [{ name: "Ledger", domain: "ledger.localhost", policies: onlyTom }],
      });
      await scene.signIn();
      await scene.open(scene.gateway.team);
    },
  },
  {
    name: "sign-in",
    heading: "Sign in to Freight API",
    show: (scene) => scene.open(scene.app("freight")),
  },
  {
    name: "sign-in-last-used",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await lastUsed(scene, "partner-okta");
      await scene.open(scene.app("freight"));
    },
  },
  {
    name: "sign-in-last-used-email",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await lastUsed(scene, "pin");
      await scene.open(scene.app("freight"));
    },
  },
  {
    name: "sign-in-email-alone",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await scene.changed({
        identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
      });
      await scene.open(scene.app("freight"));
    },
  },
  {
    name: "sign-in-for-terminal",
    heading: "Sign in to Freight API",
    show: (scene) => scene.open(scene.terminal().url),
  },
  {
    name: "sign-in-team",
    heading: "Sign in to Nordlicht Logistik",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/login`),
  },
  {
    name: "sign-in-bad-email",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await scene.open(scene.app("freight"));
      // Browsers hold back most of what the gateway does not take.
      await scene.page.evaluate(`document.querySelector("[type=email]").type = "text"`);
      await scene.page.getByLabel("Email").fill("mia at nordlicht");
      await scene.press("Send me a code");
      await scene.page.getByRole("alert").waitFor();
    },
  },
  {
    name: "sign-in-no-way",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await scene.changed({ identity_providers: [] });
      await scene.open(scene.app("freight"));
    },
  },
  { name: "pin", heading: "Enter your code", show: (scene) => askForCode(scene, "mia") },
  {
    name: "pin-wrong",
    heading: "Enter your code",
    show: async (scene) => {
      await askForCode(scene, "mia.berg");
      await scene.page.getByLabel("Code").fill("000000");
      await scene.press("Sign in");
      await scene.page.getByRole("alert").waitFor();
    },
  },
  {
    name: "pin-another",
    heading: "Enter your code",
    show: async (scene) => {
      await askForCode(scene, "mia.lund");
      await scene.press("Send another code");
      await scene.page.getByText("We have made another code.").waitFor();
    },
  },
  {
    name: "pin-mail-works",
    heading: "Enter your code",
    show: async (scene) => {
      await askForCode(scene, "mia.dahl");
      await scene.press("Check whether mail is going out");
      await scene.page.getByText("The mail server is taking our messages.").waitFor();
    },
  },
  {
    name: "pin-mail-trouble",
    heading: "Enter your code",
    show: async (scene) => {
      scene.mail.works = false;
      await askForCode(scene, "mia.holm");
      const trouble = scene.page.getByText("is not taking our messages");
      while (!(await trouble.isVisible())) await scene.press("Check whether mail is going out");
    },
  },
  { name: "approve", heading: approve, show: (scene) => scene.askToApprove() },
  {
    name: "approve-elsewhere",
    heading: approve,
    show: (scene) => scene.askToApprove({ from: elsewhere }),
  },
  {
    name: "approve-no-code",
    heading: approve,
    show: (scene) => scene.askToApprove({ from: elsewhere, userAgent: officialClient }),
  },
  {
    name: "approve-long-names",
    heading: approve,
    show: (scene) =>
      scene.askToApprove({
        from: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        userAgent: `some-client/${"9".repeat(180)}`,
      }),
  },
  {
    name: "approve-refused-client",
    heading: approve,
    show: async (scene) => {
      await scene.changed({ organization: { ...organization, require_login_code: true } });
      await scene.askToApprove({ userAgent: officialClient });
    },
  },
  {
    name: "no-terminal",
    heading: "No terminal is waiting",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.terminal().url);
    },
  },
  {
    name: "telling",
    heading: "Telling your terminal",
    show: async (scene) => {
      await scene.askToApprove({ confirms: true });
      await scene.press("Approve");
    },
  },
  { name: "approved", heading: "You are signed in", show: approved },
  {
    name: "approved-already",
    heading: "You are signed in",
    show: async (scene) => {
      const terminal = await approved(scene);
      scene.gateway.clock.ahead = 3 * 60_000;
      await scene.open(terminal.url);
      await scene.page.getByText("You have approved this already").waitFor();
    },
  },
  {
    name: "terminal-ended",
    heading: "The terminal is signed out",
    show: async (scene) => {
      await approved(scene);
      await scene.press("End this terminal's session");
    },
  },
  {
    name: "denied",
    heading: "Sign-in refused",
    show: async (scene) => {
      await scene.askToApprove();
      await scene.press("Deny");
    },
  },
  {
    name: "over-expired",
    heading: "This sign-in has expired",
    show: async (scene) => {
      const terminal = await scene.askToApprove();
      scene.gateway.clock.ahead = 12 * 60_000;
      await scene.open(terminal.url);
    },
  },
  {
    name: "over-address",
    heading: "This sign-in is over",
    show: async (scene) => {
      const terminal = await scene.askToApprove();
      terminal.poll(elsewhere);
      const { transfers } = scene.gateway.parts.store;
      while ((await transfers.find(terminal.mailbox))?.state !== "address")
        await new Promise((resolve) => setImmediate(resolve));
      await scene.open(terminal.url);
    },
  },
  {
    name: "over-answered",
    heading: "This sign-in is over",
    show: async (scene) => {
      const terminal = await approved(scene);
      await scene.page.context().clearCookies();
      await scene.signIn(tom);
      await scene.open(terminal.url);
    },
  },
  {
    name: "no-access",
    heading: "You don't have access",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("ledger"));
    },
  },
  {
    name: "no-access-own-words",
    heading: "You don't have access",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("payroll"));
    },
  },
  {
    name: "broken-link",
    heading: "This link does not work",
    show: (scene) => scene.open(`${scene.app("freight")}/cdn-cgi/access/cli?aud=x`),
  },
  {
    name: "start-again",
    heading: "Please start again",
    show: async (scene) => {
      await scene.open(scene.app("freight"));
      scene.gateway.clock.ahead = 2 * 60 * 60_000;
      await scene.page.getByLabel("Email").fill(mia);
      await scene.press("Send me a code");
    },
  },
  {
    name: "start-again-elsewhere",
    heading: "Please start again",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/callback?state=x&code=y`),
  },
  {
    name: "sign-in-not-kept",
    heading: "Your browser does not keep the sign-in",
    show: async (scene) => {
      await scene.signIn();
      const { hostname } = new URL(scene.app("freight"));
      for (let nth = 0; nth < 6; nth++) {
        await scene.page.context().clearCookies({ name: "CF_Authorization", domain: hostname });
        await scene.open(scene.app("freight"));
      }
    },
  },
  {
    name: "unknown-application",
    heading: "No application at this address",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/login/no.localhost?kid=x`),
  },
  {
    name: "provider-unreachable",
    heading: "You cannot sign in this way right now",
    show: async (scene) => {
      await scene.open(scene.app("freight"));
      await scene.press("Nordlicht SSO");
    },
  },
  {
    name: "too-many-tries",
    heading: "Too many tries",
    show: async (scene) => {
      await scene.page.context().setExtraHTTPHeaders({ "x-forwarded-for": "203.0.113.200" });
      await scene.open(scene.app("freight"));
      await scene.page.getByLabel("Email").fill("busy@nordlicht.example");
      await scene.press("Send me a code");
      const refused = scene.page.getByRole("heading", { name: "Too many tries" });
      const another = scene.page.getByRole("button", { name: "Send another code" });
      while (!(await refused.isVisible())) {
        await refused.or(another).waitFor();
        if (await another.isVisible()) await another.click();
      }
    },
  },
  {
    name: "sign-out",
    heading: "Sign out?",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(`${scene.gateway.team}/cdn-cgi/access/login`);
      // A link on somebody else's page: the browser says that another site led here.
      await scene.open(`${scene.app("no")}/`);
      const address = JSON.stringify(`${scene.gateway.team}/cdn-cgi/access/logout`);
      await scene.page.evaluate(`location.href = ${address}`);
    },
  },
  {
    name: "signed-out",
    heading: "You are signed out",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(`${scene.gateway.team}/cdn-cgi/access/logout`);
    },
  },
  {
    name: "nobody-signed-out",
    heading: "You are signed out",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/logout`),
  },
  {
    name: "no-page",
    heading: "No page at this address",
    show: (scene) => scene.open(`${scene.gateway.team}/elsewhere`),
  },
  {
    name: "no-application",
    heading: "No application at this address",
    show: (scene) => scene.open(scene.app("nowhere")),
  },
  {
    name: "denied-everybody",
    heading: "You don't have access",
    show: (scene) => scene.open(scene.app("internal")),
  },
  {
    name: "unreadable",
    heading: "This request cannot be read",
    show: (scene) => scene.open(`${scene.app("freight")}/a%2Fb`),
  },
  {
    name: "origin-unreachable",
    heading: "The application cannot be reached",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("down"));
    },
  },
  {
    name: "no-service",
    heading: "Nothing at this address",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("unrouted"));
    },
  },
  {
    name: "own-design",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      const login_design = {
        background_color: "#0b3d2e",
        text_color: "#e8f5ee",
        logo_path: logo,
        header_text: "Trouble signing in? Call 4711.",
        footer_text: "Nordlicht Logistik GmbH · Hamburg",
      };
      await scene.changed({ organization: { ...organization, login_design } });
      await scene.open(scene.app("freight"));
    },
  },
];

const logo = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="120" height="32"><rect width="120" height="32" rx="6" fill="#f2b705"/><path d="M12 24V8l12 16V8" stroke="#0b3d2e" stroke-width="4" fill="none"/></svg>')}`;

/** Leads the browser to a state, from nothing. @returns once its heading stands there */
export async function showState(scene: PageScene, state: PageState): Promise<void> {
  await scene.reset();
  await state.show(scene);
  await scene.heading(state.heading);
}

/** Takes back what a state changed in the configuration. */
export function restore(scene: PageScene): Promise<void> {
  return scene.changed({});
}
