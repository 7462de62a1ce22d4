// Starts a whole gateway in this process, as `postern gateway` would from the same YAML, on a free
// port of 127.0.0.1, with a real origin behind it. What it takes as parameters is what a person
// would configure.
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import type { Clock } from "../../packages/gateway/src/clock.ts";
import { loadConfig } from "../../packages/gateway/src/config/load-config.ts";
import { createGateway, type Gateway } from "../../packages/gateway/src/gateway.ts";
import type { LogLevel } from "../../packages/gateway/src/observe/log.ts";
import { createLog } from "../../packages/gateway/src/observe/log.ts";

export interface TestGateway {
  /** `http://127.0.0.1:<port>` or `https://…`: where to connect, whatever the host */
  address: string;
  port: number;
  scheme: "http" | "https";
  /** `<scheme>://<auth_domain>` */
  team: string;
  /** the last PIN that was announced for an address */
  pin(email: string): string | undefined;
  /** `<scheme>://<host>:<port>` */
  origin(host: string): string;
  /** puts other sections into force, as a changed file would */
  change(sections: Record<string, unknown>): Promise<void>;
  gateway: Gateway;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  /** sections of postern.yaml; listen, auth_domain, store and secret_key_file have defaults */
  sections: Record<string, unknown>;
  /** default `login.localhost` without TLS */
  teamHost?: string;
  tls?: { cert_file: string; key_file: string }[];
  now?: Clock;
  store?: string;
  secretKey?: Buffer;
  port?: number;
  logLevel?: LogLevel;
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

export async function startGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const port = options.port ?? (await freePort());
  const scheme = options.tls === undefined ? "http" : "https";
  const teamHost = options.teamHost ?? "login.localhost";
  const pins = new Map<string, string>();
  const configOf = (sections: Record<string, unknown>) => {
    const document = {
      auth_domain: `${teamHost}:${port}`,
      listen: `127.0.0.1:${port}`,
      store: `sqlite:${options.store ?? ":memory:"}`,
      ...(options.tls === undefined ? {} : { tls: { certificates: options.tls } }),
      ...sections,
    };
    return loadConfig({
      text: JSON.stringify(document, null, 2),
      file: "test.yaml",
      environment: {},
    }).config;
  };
  const gateway = await createGateway({
    config: configOf(options.sections),
    log: createLog(options.logLevel ?? "silent"),
    secretKey: options.secretKey ?? randomBytes(32),
    announcePin: (email, pin) => pins.set(email, pin),
    ...(options.now === undefined ? {} : { now: options.now }),
  });
  return {
    address: `${scheme}://127.0.0.1:${port}`,
    port,
    scheme,
    team: `${scheme}://${teamHost}:${port}`,
    pin: (email) => pins.get(email),
    origin: (host) => `${scheme}://${host}:${port}`,
    change: (sections) => gateway.apply(configOf(sections)),
    gateway,
    close: () => gateway.close(0),
  };
}

/**
 * A port of 127.0.0.1 that is free now: the team domain's name holds it, so it must be known before
 * listening.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null
          ? resolve(address.port)
          : reject(new Error("no port")),
      );
    });
  });
}
