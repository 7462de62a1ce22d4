// A gateway before one service, with people who are signed in.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts, startServer } from "../process.ts";
import type { Stage } from "../stage.ts";

export const applicationHost = "app.localhost";

export interface Gateway {
  pid: number;
  port: number;
  /** one of each person */
  tokens: readonly [string, ...string[]];
}

export interface GatewayOptions {
  /** of the one ingress rule: where everything goes */
  service: string;
  originRequest?: Record<string, unknown>;
  /** how many are signed in; default: one */
  people?: number;
  /** further sections of postern.yaml */
  sections?: Record<string, unknown>;
  /** its addresses have its port; default: they are those of port 80, behind which it stands */
  isReachedByPort?: true;
  /** how many files it may have open; default: as many as this process */
  files?: number;
}

const program = join(import.meta.dirname, "../streams-gateway.ts");

/** Resolves when the gateway listens. */
export async function startGateway(stage: Stage, options: GatewayOptions): Promise<Gateway> {
  const [port = 0] = await freePorts(1);
  // Several gateways of a scenario have each their own store.
  const file = join(stage.folder, `postern-${port}.yaml`);
  const tokensFile = join(stage.folder, `tokens-${port}`);
  writeFileSync(file, configuration(port, options));
  const args = [program, file, tokensFile, String(options.people ?? 1)];
  const [command, all] = withFiles(options.files, process.execPath, args);
  const starting = startServer("proxy", command, all, { ready: /"gateway_started"/ });
  const { pid } = await stage.keep(starting);
  const [first = "", ...others] = readFileSync(tokensFile, "latin1").split("\n");
  return { pid, port, tokens: [first, ...others] };
}

/** What a browser sends with each request: its cookie, and where the page comes from. */
export function browserHeaders(gateway: Gateway, person = 0): Record<string, string> {
  const [first] = gateway.tokens;
  return {
    Host: applicationHost,
    Origin: `http://${applicationHost}`,
    Cookie: `CF_Authorization=${gateway.tokens[person] ?? first}`,
  };
}

/** @returns the command line under which a program may have `files` open */
export function withFiles(
  files: number | undefined,
  command: string,
  args: string[],
): [string, string[]] {
  if (files === undefined) return [command, args];
  return ["sh", ["-c", `ulimit -n ${files} && exec "$0" "$@"`, command, ...args]];
}

const behindPort80 = { auth_domain: "login.localhost", public_ports: [80] };

function configuration(port: number, options: GatewayOptions): string {
  const { service, originRequest, sections, isReachedByPort } = options;
  const everybody = { email_domain: { domain: "example.com" } };
  const policies = [{ name: "people", decision: "allow", include: [everybody] }];
  return JSON.stringify({
    ...(isReachedByPort ? { auth_domain: `login.localhost:${port}` } : behindPort80),
    listen: `127.0.0.1:${port}`,
    store: `sqlite:./postern-${port}.db`,
    secret_key_file: `./secret-${port}.key`,
    log: { format: "json" },
    ingress: [{ service, originRequest }],
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin" }],
    applications: [{ name: "App", domain: applicationHost, policies }],
    ...sections,
  });
}
