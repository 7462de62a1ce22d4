// A gateway's terminal fixture behind real sockets, a real store and the real data path, with what
// a test of a terminal's login needs to hold: the clock, the length of a poll, and sessions that
// have just begun.
import { createHash } from "node:crypto";
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { TestContext } from "node:test";
import {
  encodeShortTransferKey,
  encodeTransferKey,
  generateTransferKeyPair,
  openTokens,
  type TransferKeyPair,
  type TransferredTokens,
} from "@postern/protocol";
import { freePort, startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import type { Parts } from "../../src/compose.ts";
import { defined } from "../../src/defined.ts";
import type { RelaySettings } from "../../src/login/terminal/relay-settings.ts";
import type { GatewayEvent } from "../../src/observe/events.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { identityOf } from "./login-fixture.ts";

export const ada = "ada@example.com";
export const bob = "bob@example.com";
/** what our own terminal and the official one call themselves */
const ownClient = "postern/0.1.0 (linux; x64)";
export const officialClient = "cloudflared/2026.8.2";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
  /** source address */
  from?: string;
  signal?: AbortSignal;
}

export interface Browser {
  session: StoredSession;
  get(url: string, more?: Ask): Promise<Answer>;
  /** follows redirects */
  open(url: string, more?: Ask): Promise<Answer>;
  /** presses a button of the page's form */
  press(
    page: Answer,
    answer: "approve" | "deny",
    more?: Ask & { fields?: Record<string, string> },
  ): Promise<Answer>;
}

export interface Terminal {
  pair: TransferKeyPair;
  key: string;
  /** what the terminal prints */
  url: string;
  /** what it prints after it has opened its mailbox */
  shortUrl: string;
  /** opens the mailbox, with these fields beside or in place of the usual ones */
  opens(fields?: Record<string, unknown>, more?: Ask): Promise<Answer>;
  poll(more?: Ask): Promise<Answer>;
  open(answer: Answer): TransferredTokens;
}

export interface TerminalFixture {
  port: number;
  team: string;
  app(name: string): string;
  parts: Parts;
  /** what reached the application */
  originSaw: string[];
  clock: TestGateway["clock"];
  /** everything that the gateway recorded */
  events: GatewayEvent[];
  send(url: string, ask?: Ask): Promise<Answer>;
  terminal(options?: {
    host?: string;
    aud?: string;
    orgToken?: boolean;
    userAgent?: string;
    extra?: string;
  }): Terminal;
  browser(email?: string): Promise<Browser>;
  aud(name: string): string;
  /** resolves when a poll of this terminal is held */
  held(terminal: Terminal): Promise<void>;
  isHeld(terminal: Terminal): Promise<boolean>;
}

export interface TerminalFixtureOptions {
  organization?: Record<string, unknown>;
  /** added to the application `app.localhost` */
  application?: Record<string, unknown>;
  settings?: Partial<RelaySettings>;
  /** sections of the configuration beside those of the fixture */
  sections?: Record<string, unknown>;
  /** a file that another process may open as well; default: in memory */
  store?: string;
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
const onlyBob = [{ name: "only Bob", decision: "allow", include: [{ email: { email: bob } }] }];

/** Two applications: `app.localhost` for everybody, `bob.localhost` for Bob alone. */
export async function startTerminalFixture(
  context: TestContext,
  options: TerminalFixtureOptions = {},
): Promise<TerminalFixture> {
  const origin = await startOrigin();
  const gateway = await startGateway({
    sections: sectionsWith(origin.url, options),
    relay: {
      busyMs: 20,
      hangUpMs: 20,
      leaseMs: options.settings?.holdMs ?? 50_000,
      // Longer than any machine needs; tests of terminals that do nothing make it short.
      settlingMs: 30_000,
      ...options.settings,
    },
    ...defined({ store: options.store }),
  });
  context.after(async () => {
    await gateway.close();
    await origin.close();
  });
  const { parts, port, team } = gateway;
  const app = (name: string) => gateway.origin(`${name}.localhost`);
  const aud = (name: string) => gateway.aud(`${name}.localhost`);

  const isHeld = async (terminal: Terminal) => {
    const id = createHash("sha256").update(terminal.pair.publicKey).digest("hex");
    return ((await parts.store.transfers.find(id))?.held_until ?? 0) > parts.now();
  };

  return {
    port,
    team,
    app,
    parts,
    originSaw: origin.requests,
    clock: gateway.clock,
    events: gateway.events,
    send,
    aud,
    terminal(options = {}) {
      const host = options.host ?? "app";
      return terminalOf({ team, app: app(host), aud: aud(host), ...options });
    },
    async browser(email = ada) {
      const session = await parts.sessions.start({
        kind: "browser",
        identity: identityOf(email),
        userAgent: "Chromium",
        lifetimeMs: 24 * 36e5,
      });
      return browserWith(session, await parts.tokens.issueOrg(session), team);
    },
    async held(terminal) {
      while (!(await isHeld(terminal))) await new Promise((resolve) => setImmediate(resolve));
    },
    isHeld,
  };
}

function sectionsWith(origin: string, options: TerminalFixtureOptions): Record<string, unknown> {
  return {
    relay_hosts: ["relay.localhost"],
    organization: { name: "Test", ...options.organization },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    ingress: [{ service: origin }],
    ...options.sections,
    applications: [
      {
        name: "The <b>API</b>",
        type: "self_hosted",
        domain: "app.localhost",
        session_duration: "8h",
        policies: everybody,
        ...options.application,
      },
      {
        name: "Bob's",
        type: "self_hosted",
        domain: "bob.localhost",
        session_duration: "8h",
        policies: onlyBob,
      },
    ],
  };
}

/** An application that notes what reached it. */
async function startOrigin() {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.end("origin");
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function terminalOf(options: {
  team: string;
  app: string;
  aud: string;
  orgToken?: boolean;
  userAgent?: string;
  extra?: string;
}): Terminal {
  const { team, app, aud, orgToken = true, userAgent = ownClient, extra = "" } = options;
  const pair = generateTransferKeyPair();
  const key = encodeTransferKey(pair.publicKey);
  const query = new URLSearchParams({ aud, edge_token_transfer: "true" });
  query.set("redirect_url", `${app}/?${new URLSearchParams({ aud, token: key })}`);
  if (orgToken) query.set("send_org_token", "true");
  query.set("token", key);
  return {
    pair,
    key,
    url: `${app}/cdn-cgi/access/cli?${query}${extra}`,
    shortUrl: `${app}/cdn-cgi/access/cli/${encodeShortTransferKey(pair.publicKey)}`,
    opens: (fields = {}, more = {}) =>
      send(`${team}/transfer/${key}`, {
        method: "POST",
        body: JSON.stringify({
          aud,
          redirect_url: `${app}/`,
          send_org_token: orgToken,
          ...fields,
        }),
        ...more,
        headers: { "user-agent": userAgent, ...more.headers },
      }),
    poll: (more = {}) =>
      send(`${team}/transfer/${key}`, {
        ...more,
        headers: { "user-agent": userAgent, ...more.headers },
      }),
    open(answer) {
      const publicKey = Buffer.from(String(answer.headers["service-public-key"]), "base64url");
      return openTokens(answer.body, pair, publicKey);
    },
  };
}

function browserWith(session: StoredSession, orgToken: string, team: string): Browser {
  const get = (url: string, more: Ask = {}) => {
    const cookie: Record<string, string> = url.startsWith(`${team}/`)
      ? { cookie: `CF_Authorization=${orgToken}` }
      : {};
    return send(url, {
      ...more,
      headers: {
        accept: "text/html",
        "sec-fetch-dest": "document",
        "sec-fetch-mode": "navigate",
        "sec-fetch-site": "none",
        ...cookie,
        ...more.headers,
      },
    });
  };
  return {
    session,
    get,
    async open(url, more) {
      let answer = await get(url, more);
      for (let hops = 0; answer.status === 302 && hops < 5; hops++)
        answer = await get(String(answer.headers.location), more);
      return answer;
    },
    press(page, answer, more = {}) {
      const { action, csrf, askedAt } = formOf(page);
      const { fields = {}, ...ask } = more;
      return get(`${team}${action}`, {
        method: "POST",
        body: new URLSearchParams({ csrf, asked_at: askedAt, answer, ...fields }).toString(),
        ...ask,
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "sec-fetch-site": "same-origin",
          ...more.headers,
        },
      });
    },
  };
}

/** Where the page's form goes, and its hidden value. */
export function formOf(page: Answer): { action: string; csrf: string; askedAt: string } {
  const action =
    /<form method="post" action="([^"]*)"/.exec(page.body)?.[1]?.replaceAll("&amp;", "&") ??
    "/none";
  const csrf = /name="csrf" value="([^"]*)"/.exec(page.body)?.[1] ?? "";
  const askedAt = /name="asked_at" value="([^"]*)"/.exec(page.body)?.[1] ?? "";
  return { action, csrf, askedAt };
}

export function headingOf(page: Answer): string {
  const heading = /<h1>(.*?)<\/h1>/.exec(page.body)?.[1] ?? "";
  return heading.replaceAll(/<[^>]*>/g, "").replaceAll("&#39;", "'");
}

/** One request on a connection of its own, to 127.0.0.1 whatever the host. */
function send(
  url: string,
  { method = "GET", headers = {}, body, from, signal }: Ask = {},
): Promise<Answer> {
  const { host, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method,
        path: pathname + search,
        headers: {
          host,
          ...headers,
          ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
        },
        agent: false,
        ...defined({ localAddress: from, signal }),
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}
