// `postern dev`: everything on one machine with nothing to configure. It writes the configuration
// that a person would have written and starts the same gateway with it; there is no second way
// through the program.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { ComposeOptions } from "./compose.ts";
import { loadConfig } from "./config/load-config.ts";
import { startGateway } from "./gateway.ts";
import { isBareAddress } from "./model/values.ts";
import { createLog } from "./observe/log.ts";
import { startSampleApplication } from "./origin/sample-application.ts";
import { UsageError } from "./usage-error.ts";

export interface DevOptions {
  /** default 8600 */
  port?: number;
  /** where the database and the secret key live; default `<posternHome>/dev` */
  data?: string;
  /** keeps nothing */
  ephemeral?: boolean;
  /** applications of one's own, `[name=]URL`, each at `http://<name>.localhost:<port>` */
  upstreams: string[];
  /**
   * who may use the applications, or the one of that name: `[name=]person@domain` or
   * `[name=]@domain`; everybody who signs in may use those that nothing here is about
   */
  allow?: string[];
  posternHome: string;
  /** what starts the command line from anywhere; default `postern` */
  command?: string;
}

interface Upstream {
  name: string;
  url: string;
}

/** Who may use an application. */
interface Grant {
  /** its name; undefined for all of them */
  application: string | undefined;
  rule: Record<string, unknown>;
}

/** The name of the sample application. */
const sampleName = "echo";
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const reservedNames = new Set(["login", sampleName]);

/**
 * Serves until SIGINT or SIGTERM.
 * @throws {UsageError} when an upstream is not `[name=]URL`, two have one name, or an `allow` has
 *   no address and no domain, or is about an application that is not there
 * @throws {Error} when the port is taken
 */
export async function runDev(options: DevOptions): Promise<void> {
  const port = options.port ?? 8600;
  const upstreams = readUpstreams(options.upstreams);
  const grants = (options.allow ?? []).map((text) => readGrant(text, upstreams));
  const storage = storageFor(options);
  const sample = await startSampleApplication();
  try {
    const document = devConfiguration({
      port,
      listen: await loopbackAddresses(port),
      sample: sample.origin,
      upstreams,
      grants,
      ...storage,
    });
    const { config } = loadConfig({
      text: JSON.stringify(document, null, 2),
      file: "postern dev",
      environment: {},
    });
    const gateway = await startGateway({
      ...storage.options,
      config,
      record: createLog({ level: "warn", plain: (process.env["NO_COLOR"] ?? "") !== "" }),
      announcePin: (email, pin) => process.stdout.write(`PIN for ${email}: ${pin}\n`),
    });
    // Whoever reads the PINs may go; the gateway stays.
    process.stdout.on("error", () => undefined);
    // Before it says that it is up: whoever reads that may stop it at once.
    const stopped = stopSignal();
    process.stdout.write(welcome(port, upstreams, options.command ?? "postern"));
    await stopped;
    await gateway.close(0);
  } finally {
    // What still listens keeps the process alive, also when the gateway could not start.
    await sample.close();
  }
}

interface DevStorage {
  /** ":memory:", or the path of the database */
  store: string;
  secretKeyFile: string;
  options: Pick<ComposeOptions, "secretKey">;
}

function storageFor({ data, ephemeral, posternHome }: DevOptions): DevStorage {
  const folder = data ?? join(posternHome, "dev");
  const secretKeyFile = join(folder, "secret.key");
  if (ephemeral === true) {
    return { store: ":memory:", secretKeyFile, options: { secretKey: randomBytes(32) } };
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { store: join(folder, "postern.db"), secretKeyFile, options: {} };
}

/** IPv6 as well, where this machine has it. */
async function loopbackAddresses(port: number): Promise<string[]> {
  const addresses = [`127.0.0.1:${port}`];
  if (await hasIpv6Loopback()) addresses.push(`[::1]:${port}`);
  return addresses;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}

/** @throws {UsageError} */
function readUpstreams(texts: readonly string[]): Upstream[] {
  const upstreams = texts.map(readUpstream);
  const names = upstreams.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new UsageError(
      `--upstream: two have the name "${repeated}"; give each a name of its own, as name=URL`,
    );
  }
  return upstreams;
}

function readUpstream(text: string): Upstream {
  const [, name = "app", url = ""] = /^(?:([^=/:]+)=)?(.*)$/.exec(text) ?? [];
  if (!namePattern.test(name) || reservedNames.has(name)) {
    throw new UsageError(
      `--upstream ${text}: "${name}" cannot be a name; use lower-case letters, digits and dashes, but not login or echo`,
    );
  }
  const fault = upstreamFault(url);
  if (fault !== undefined) throw new UsageError(`--upstream ${text}: ${fault}`);
  return { name, url: new URL(url).origin };
}

/** What is wrong with the URL of an upstream, and what to write instead. */
function upstreamFault(text: string): string | undefined {
  if (/^\d{1,5}$/.test(text)) return `write the whole URL: http://127.0.0.1:${text}`;
  if (isBareAddress(text)) return `write the whole URL: http://${text}`;
  if (!/^https?:/i.test(text) || !URL.canParse(text))
    return "write [name=]URL, for example api=http://127.0.0.1:3000";
  const url = new URL(text);
  const surplus = surplusOf(url);
  if (surplus === undefined) return undefined;
  return `the URL has a ${surplus}; write [name=]URL with scheme, host and port alone: ${url.origin}`;
}

/** What stands in a URL beside scheme, host and port. */
function surplusOf({ pathname, search, hash, username, password }: URL): string | undefined {
  if (username !== "" || password !== "") return "user";
  if (pathname !== "/") return "path";
  if (search !== "") return "query";
  if (hash !== "") return "fragment";
  return undefined;
}

/** @throws {UsageError} when it says nobody, or an application that is not there */
function readGrant(text: string, upstreams: readonly Upstream[]): Grant {
  const [, application, person = "", domain = ""] =
    /^(?:([^=@]+)=)?([^@\s=]*)@([^@\s=]+)$/.exec(text) ?? [];
  if (domain === "") {
    throw new UsageError(
      `--allow ${text}: write an email address or a domain, for example ada@example.com or @example.com`,
    );
  }
  const names = [sampleName, ...upstreams.map(({ name }) => name)];
  if (application !== undefined && !names.includes(application)) {
    throw new UsageError(
      `--allow ${text}: there is no application "${application}"; the applications are ${names.join(", ")}`,
    );
  }
  const rule =
    person === "" ? { email_domain: { domain } } : { email: { email: `${person}@${domain}` } };
  return { application, rule };
}

/** The policy of the application with this name. */
function policyOf(application: string, grants: readonly Grant[]): Record<string, unknown> {
  const include = grants
    .filter((grant) => grant.application === undefined || grant.application === application)
    .map(({ rule }) => rule);
  if (include.length > 0) return { name: "those of --allow", decision: "allow", include };
  return { name: "everybody who can sign in", decision: "allow", include: [{ everyone: {} }] };
}

interface DevPlan {
  port: number;
  listen: string[];
  sample: string;
  upstreams: Upstream[];
  grants: Grant[];
  store: string;
  secretKeyFile: string;
}

function devConfiguration(plan: DevPlan): Record<string, unknown> {
  // Tools that cannot resolve *.localhost reach the sample application as `localhost`.
  const sampleHosts = [`${sampleName}.localhost`, "localhost"];
  return {
    auth_domain: `login.localhost:${plan.port}`,
    listen: plan.listen,
    store: `sqlite:${plan.store}`,
    secret_key_file: plan.secretKeyFile,
    organization: { name: "Postern dev", session_duration: "24h" },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    ingress: [
      ...sampleHosts.map((hostname) => ({ hostname, service: plan.sample })),
      ...plan.upstreams.map(({ name, url }) => ({ hostname: `${name}.localhost`, service: url })),
      { service: "http_status:404" },
    ],
    applications: [
      {
        name: "Echo API",
        type: "self_hosted",
        domain: sampleHosts[0],
        self_hosted_domains: sampleHosts,
        session_duration: "24h",
        policies: [policyOf(sampleName, plan.grants)],
      },
      ...plan.upstreams.map(({ name }) => ({
        name,
        type: "self_hosted",
        domain: `${name}.localhost`,
        session_duration: "24h",
        policies: [policyOf(name, plan.grants)],
      })),
    ],
  };
}

function welcome(port: number, upstreams: Upstream[], command: string): string {
  const own = upstreams
    .map(({ name, url }) => `  http://${name}.localhost:${port}   your application at ${url}\n`)
    .join("");
  const [first] = upstreams;
  const example =
    first === undefined
      ? `http://echo.localhost:${port}/anything`
      : `http://${first.name}.localhost:${port}/`;
  return `Postern is up, on this machine only.

  http://echo.localhost:${port}   a sample application, also at http://localhost:${port}
${own}  http://login.localhost:${port}  the sign-in page; one-time PINs appear in this terminal

In another terminal:

  ${command} access curl ${example}

Press Ctrl-C to stop.
`;
}

async function hasIpv6Loopback(): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(0, "::1", () => probe.close(() => resolve(true)));
  });
}
