// A gateway with people and terminals around it, and the browser that looks at its pages.
import { createHash } from "node:crypto";
import { encodeTransferKey, generateTransferKeyPair } from "@postern/protocol";
import type { Page } from "playwright-core";
import { identityOf } from "../../../packages/gateway/test/login/login-fixture.ts";
import { send } from "../../../packages/gateway/test/login/person.ts";
import { freePort, startGateway, type TestGateway } from "../gateway.ts";
import { startUpstream, type Upstream } from "../upstream.ts";

/** Where the browser is, and where a terminal is that asks from elsewhere. */
const here = "203.0.113.9";
export const elsewhere = "198.51.100.23";
export const mia = "mia@nordlicht.example";
export const tom = "tom@nordlicht.example";
const ownClient = "postern/0.1.0 (linux; x64)";
export const officialClient = "cloudflared/2026.8.2";

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
      asksFor: async (grant) => {
        const opening = { aud: query.get("aud"), redirect_url: `${app}/`, grant };
        await send(`${this.gateway.team}/transfer/${token}`, {
          method: "POST",
          headers: { "user-agent": userAgent, "x-forwarded-for": from },
          body: JSON.stringify(opening),
        });
        return `${app}/cdn-cgi/access/cli/${Buffer.from(publicKey).toString("base64url")}`;
      },
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

  /** The page of a terminal that asks for a grant. */
  async askToLend(grant: object): Promise<void> {
    await this.signIn();
    const terminal = this.terminal();
    const address = await terminal.asksFor(grant);
    terminal.poll();
    await this.open(address);
    await this.heading("Lend a part of your access?");
  }

  /** Puts other sections into force beside those of the scene, for one state. */
  async changed(more: Record<string, unknown>): Promise<void> {
    await this.gateway.change({ ...sections(this.upstream.origin, 1), ...more });
  }
}

export interface SceneTerminal {
  url: string;
  /** opens the mailbox for a grant. @returns the short address */
  asksFor(grant: object): Promise<string>;
  poll(from?: string): void;
  mailbox: string;
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
export const onlyTom = [
  { name: "only Tom", decision: "allow", include: [{ email: { email: tom } }] },
];
export const organization = { name: "Nordlicht Logistik" };

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

/** One state of one page: how to get there, and what its heading says then. */
export interface PageState {
  name: string;
  heading: string;
  show(scene: PageScene): Promise<unknown>;
}
