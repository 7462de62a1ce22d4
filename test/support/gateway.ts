// Starts a whole gateway in this process, as `postern gateway` would from the same YAML, on a free
// port of 127.0.0.1. Every test that needs a gateway starts it here; its parts are at hand for what
// only somebody inside can do, such as making a session without a login.
import { randomBytes } from "node:crypto";
import type { Clock } from "../../packages/gateway/src/clock.ts";
import { type ComposeOptions, compose, type Parts } from "../../packages/gateway/src/compose.ts";
import { loadConfig } from "../../packages/gateway/src/config/load-config.ts";
import { defined } from "../../packages/gateway/src/defined.ts";
import { type Gateway, listen } from "../../packages/gateway/src/gateway.ts";
import type { GatewayEvent } from "../../packages/gateway/src/observe/events.ts";
import { freePort } from "./free-port.ts";
import { noteSecrets } from "./run-secrets.ts";
import { testKeyPair } from "./signing-keys.ts";

export { freePort } from "./free-port.ts";

export interface TestGateway {
  /** `http://127.0.0.1:<port>` or `https://…`: where to connect, whatever the host */
  address: string;
  port: number;
  scheme: "http" | "https";
  /** `<scheme>://<auth_domain>` */
  team: string;
  /** the last PIN that was announced for an address */
  pin(email: string): string | undefined;
  /** address → the last PIN that was announced for it */
  pins: ReadonlyMap<string, string>;
  /** `<scheme>://<host>:<port>` */
  origin(host: string): string;
  /** puts other sections into force, as a changed file would */
  change(sections: Record<string, unknown>): Promise<void>;
  gateway: Gateway;
  parts: Parts;
  /**
   * How far the gateway's clocks are ahead of the system's, milliseconds; a test may move them.
   * `ahead` is time that passes; `stepped` is a clock that was set, and moves dates alone. At
   * `stoppedAt` (`performance.now()`) the stopwatch stands still: rates refill with nothing.
   */
  clock: TestClock;
  /** everything that the gateway recorded */
  events: GatewayEvent[];
  /** the AUD of the application whose first domain this is; "" when there is none */
  aud(domain: string): string;
  close(): Promise<void>;
}

export interface TestClock {
  ahead: number;
  stepped: number;
  stoppedAt?: number;
}

export interface TestGatewayOptions
  extends Pick<
    ComposeOptions,
    "relay" | "sendMail" | "mailRetryDelays" | "generateKeyPair" | "secretKey"
  > {
  /** sections of postern.yaml; listen, auth_domain, store and secret_key_file have defaults */
  sections: Record<string, unknown>;
  /** default `login.localhost` without TLS */
  teamHost?: string;
  tls?: { cert_file: string; key_file: string }[];
  /** `false`: PINs are mailed as the sections say; default: they are announced in `pins` */
  announcePin?: false;
  now?: Clock;
  store?: string;
  port?: number;
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];

/** One PIN provider, one application at `app.localhost` for everybody, forwarded to `origin`. */
export function simpleSections(
  origin: string,
  hosts: string[] = ["app.localhost"],
): Record<string, unknown> {
  return {
    organization: { name: "Test" },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    ingress: [{ service: origin }],
    applications: hosts.map((host) => ({
      name: host,
      type: "self_hosted",
      domain: host,
      session_duration: "8h",
      policies: everybody,
    })),
  };
}

function noteServiceSecrets({ service_tokens: tokens }: Record<string, unknown>): void {
  if (!Array.isArray(tokens)) return;
  for (const { client_secret } of tokens as { client_secret?: string }[])
    noteSecrets(client_secret);
}

export async function startGateway(options: TestGatewayOptions): Promise<TestGateway> {
  noteServiceSecrets(options.sections);
  const port = options.port ?? (await freePort());
  const scheme = options.tls === undefined ? "http" : "https";
  const teamHost = options.teamHost ?? "login.localhost";
  const configOf = (sections: Record<string, unknown>) => {
    const document = {
      auth_domain: `${teamHost}:${port}`,
      listen: `127.0.0.1:${port}`,
      store: `sqlite:${options.store ?? ":memory:"}`,
      ...defined({ http1_transport: process.env["POSTERN_TEST_TRANSPORT"] }),
      ...(options.tls === undefined ? {} : { tls: { certificates: options.tls } }),
      ...sections,
    };
    const text = JSON.stringify(document, null, 2);
    return loadConfig({ text, file: "test.yaml", environment: {} }).config;
  };
  const pins = new Map<string, string>();
  const events: GatewayEvent[] = [];
  const clock: TestClock = { ahead: 0, stepped: 0 };
  const { sendMail, mailRetryDelays, relay } = options;
  const announce = (email: string, pin: string) => void pins.set(email, pin);
  const mailsPins = sendMail !== undefined || options.announcePin === false;
  const parts = await compose({
    config: configOf(options.sections),
    record: (event) => void events.push(event),
    now: options.now ?? (() => Date.now() + clock.ahead + clock.stepped),
    elapsed: options.now ?? (() => (clock.stoppedAt ?? performance.now()) + clock.ahead),
    secretKey: options.secretKey ?? randomBytes(32),
    generateKeyPair: options.generateKeyPair ?? testKeyPair,
    // A gateway that mails its PINs announces none.
    ...defined({ sendMail, announcePin: mailsPins ? undefined : announce }),
    ...defined({ relay, mailRetryDelays }),
  });
  const gateway = await listen(parts);
  return {
    address: `${scheme}://127.0.0.1:${port}`,
    port,
    scheme,
    team: `${scheme}://${teamHost}:${port}`,
    pin: (email) => pins.get(email),
    pins,
    origin: (host) => `${scheme}://${host}:${port}`,
    change: (sections) => gateway.apply(configOf(sections)),
    gateway,
    parts,
    clock,
    events,
    aud(domain) {
      const { applications } = parts.catalogs.current();
      return applications.find(({ domains }) => domains[0] === domain)?.aud ?? "";
    },
    close: () => gateway.close(0),
  };
}
