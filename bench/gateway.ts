// The gateway that is measured: as it is shipped, before one origin, with people who are signed in
// and a policy that looks at their address and at their groups.
import { createPublicKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { probe, type Target } from "./load/probe.ts";
import { FailedRun } from "./load/run.ts";
import { type Checkout, installIn, thisCheckout } from "./postern.ts";
import { freePort, startServer } from "./process.ts";
import { runProgram } from "./run-program.ts";
import type { Stage } from "./stage.ts";

/** What is measured as Postern: a checkout, and how it is set. */
export interface Variant {
  /** how the tables name it */
  name: string;
  checkout: Checkout;
  /** sections of postern.yaml beside those of the scenario */
  sections?: Record<string, unknown>;
  /** where Node writes profiles of its CPU when it ends */
  profiles?: string;
}

/** This checkout as it comes: the promises are about it. */
export const own: Variant = { name: "**Postern**", checkout: thisCheckout };

export interface GatewayOptions {
  /** where everything goes: a port of this machine, or a service */
  origin: number;
  /** default: 1 */
  people?: number;
  /** default: 1 */
  applications?: number;
  /** further sections of postern.yaml */
  sections?: Record<string, unknown>;
}

export interface Gateway {
  pid: number;
  port: number;
  /** of each person for each application */
  tokens: readonly string[];
  /** the path of its postern.yaml */
  file: string;
}

const makeTokens = join(import.meta.dirname, "make-tokens.ts");

/** Resolves when the gateway listens. */
export async function startGateway(
  stage: Stage,
  variant: Variant,
  options: GatewayOptions,
): Promise<Gateway> {
  const port = await freePort();
  const file = join(stage.folder, `postern-${port}.yaml`);
  const tokensFile = join(stage.folder, `tokens-${port}`);
  const sections = { ...options.sections, ...variant.sections };
  writeFileSync(file, configuration(port, { ...options, sections }));
  const { profiles, checkout } = variant;
  const people = `${options.people ?? 1}`;
  await runProgram(process.execPath, [makeTokens, checkout.folder, file, tokensFile, people], {
    core: "any",
  });
  const profiling = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
  const cli = installIn(join(stage.folder, "installed", checkout.name), checkout);
  const args = [...profiling, cli, "gateway", "--config", file];
  const starting = startServer("proxy", process.execPath, args, { ready: /"gateway_started"/ });
  const { pid } = await stage.keep(starting);
  const tokens = readFileSync(tokensFile, "latin1").split("\n");
  return { pid, port, tokens, file };
}

/** @param index of the application */
function hostOf(index = 0): string {
  return `app${index}.localhost`;
}

/** What a browser sends with each request. */
export function browserHeaders(token: string | undefined, application = 0): Record<string, string> {
  return {
    Host: hostOf(application),
    Cookie: `CF_Authorization=${token}`,
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0",
    Accept: "*/*",
  };
}

export function configuration(port: number, options: GatewayOptions): string {
  const { origin, applications = 1, sections } = options;
  return JSON.stringify({
    auth_domain: "login.localhost",
    public_ports: [80, 443],
    listen: `127.0.0.1:${port}`,
    store: `sqlite:./postern-${port}.db`,
    secret_key_file: `./secret-${port}.key`,
    log: { format: "json" },
    ingress: [{ service: `http://127.0.0.1:${origin}` }],
    identity_providers: [provider],
    groups: [{ name: "engineering", include: [{ oidc: engineering }] }],
    applications: Array.from({ length: applications }, (_, index) => applicationOf(index)),
    ...sections,
  });
}

const engineers = {
  name: "engineers",
  decision: "allow",
  include: [{ email_domain: { domain: "example.com" } }],
  require: [{ group: { name: "engineering" } }],
  exclude: [{ email: { email: "former@example.com" } }],
};

/** An application that engineers may use. */
export function applicationOf(index: number): Record<string, unknown> {
  return { name: `App ${index}`, domain: hostOf(index), policies: [engineers] };
}

/** Nobody signs in at it here: its addresses are never asked. */
const provider = {
  id: "corp",
  name: "Corp",
  type: "oidc",
  config: {
    client_id: "bench",
    client_secret: "bench",
    auth_url: "https://127.0.0.1:9/authorize",
    token_url: "https://127.0.0.1:9/token",
    certs_url: "https://127.0.0.1:9/certs",
  },
};
const engineering = {
  identity_provider: "corp",
  claim_name: "groups",
  claim_value: "engineering",
};

/**
 * Holds the gateway to its job before it is measured.
 * @param target whose origin answers `/credentials` with what came to it
 * @throws {FailedRun} when the origin gets the cookie or no assertion, or a stranger gets anything
 */
export async function checkJob(target: Target): Promise<void> {
  const path = "/credentials";
  const { status, body } = await probe({ ...target, path });
  if (status !== 200) throw new FailedRun(`the gateway answers ${status} to a person`);
  if (!/^assertion=[\w-]+\.[\w-]+\.[\w-]+$/m.test(body.toString()))
    throw new FailedRun("the origin gets no assertion");
  if (/^cookie=./m.test(body.toString())) throw new FailedRun("the origin gets the cookie");
  const { Host = "" } = target.headers;
  const stranger = await probe({ ...target, path, headers: { Host } });
  if (stranger.status === 200) throw new FailedRun("the gateway lets strangers through");
}

/** What verifies a token. */
export interface PublicKey {
  kid: string;
  pem: string;
}

/** @returns the key that signed its tokens, as the gateway itself publishes it */
export async function publicKeyOf({ port, tokens }: Gateway): Promise<PublicKey> {
  const headers = { Host: "login.localhost" };
  const { body } = await probe({ port, path: "/cdn-cgi/access/certs", headers });
  const { keys } = JSON.parse(body.toString()) as { keys: { kid: string; kty: string }[] };
  const [header = ""] = tokens[0]?.split(".") ?? [];
  const { kid } = JSON.parse(Buffer.from(header, "base64url").toString()) as { kid: string };
  const key = keys.find((each) => each.kid === kid);
  if (key === undefined) throw new Error(`no public key has the id ${kid}`);
  const pem = createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "pem" });
  return { kid, pem: pem.toString() };
}
