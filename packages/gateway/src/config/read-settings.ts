// How the process runs: fields of the right shape → values that it can use. Paths become absolute,
// the issuer is worked out, and combinations are refused that would send people's credentials in
// clear, or nowhere.
import { isLoopbackHost } from "@postern/protocol";
import type { z } from "zod";
import { defined } from "../defined.ts";
import type { Report } from "../model/problem.ts";
import type { DecisionProxy } from "../model/proxy-dialect.ts";
import type { StoreAddress } from "../store-address.ts";
import { type FileContext, readCertificateFiles } from "./certificate-files.ts";
import { checkAdmin } from "./check-admin.ts";
import { checkForwardAuth } from "./check-forward-auth.ts";
import { readFields } from "./read-fields.ts";
import { settingsFields } from "./settings.ts";
import { readStore } from "./store-url.ts";
import type { ListenAddress } from "./values.ts";

type SettingsFields = {
  [Field in keyof typeof settingsFields]: z.infer<(typeof settingsFields)[Field]>;
};

/** What is written down, and for how long it is kept. */
export type LogSettings = Omit<SettingsFields["log"], "export_file"> & {
  /** absolute */
  export_file?: string;
};

/** How the process runs. */
export interface Settings {
  /** `host[:port]`, without the scheme's own port */
  auth_domain: string;
  /** `https://<auth_domain>`, or `http://` on this machine's names; no trailing slash */
  issuer: string;
  /** the host of `auth_domain`, without port */
  team_host: string;
  /** without ports */
  relay_hosts: string[];
  listen: ListenAddress[];
  redirect_http?: ListenAddress;
  public_ports: number[];
  tls?: { certificates: { cert_file: string; key_file: string }[] };
  http1_transport: SettingsFields["http1_transport"];
  http2: boolean;
  trusted_proxies: string[];
  /** where proxies ask for decisions, and which may */
  forward_auth?: { listen: ListenAddress; proxies: DecisionProxy[] };
  /** processes that serve; `auto`: as many as there are processors */
  workers: number | "auto";
  store: StoreAddress;
  /** absolute */
  secret_key_file: string;
  smtp?: NonNullable<SettingsFields["smtp"]>;
  /** where the admin API listens; undefined: nowhere */
  admin?: { listen: ListenAddress };
  log: LogSettings;
  /** where traces go; undefined: nowhere */
  otlp?: NonNullable<SettingsFields["otlp"]>;
  limits: SettingsFields["limits"];
  key_rotation_interval_days: number;
  /** absolute: a database of countries by address (MMDB) */
  geoip_file?: string;
}

/**
 * Reads them; when the report then holds a problem, what is returned is of no use.
 * @returns undefined when some are missing or have no right shape
 */
export function readSettings(
  fields: Readonly<Record<string, unknown>>,
  files: FileContext,
): Settings | undefined {
  const { report, resolvePath } = files;
  const { right, all: values } = readFields(settingsFields, fields, report);
  // What stands for itself is looked at even where other fields are wrong.
  const certificates = right.tls?.certificates.map((pair, index) =>
    readCertificateFiles(pair, ["tls", "certificates", index], files),
  );
  const store = right.store === undefined ? ":memory:" : readStore(right.store, files);
  if (values === undefined) return undefined;

  const team = readTeamDomain(values, report);
  checkPorts(team, values, report);
  if (values.tls === undefined && values.trusted_proxies.length === 0)
    checkPlainHttp(team, values, report);
  checkWorkers(values, report);
  checkForwardAuth(values, report);
  checkAdmin(values, report);
  warnAboutSettings(values, report);
  return defined({
    auth_domain: team.host,
    issuer: team.origin,
    team_host: team.hostname,
    relay_hosts: values.relay_hosts.map((host, index) => readRelayHost(host, index, report)),
    listen: values.listen.map((address) => withPath(address, resolvePath)),
    redirect_http: values.redirect_http && withPath(values.redirect_http, resolvePath),
    public_ports: values.public_ports,
    tls: certificates === undefined ? undefined : { certificates },
    http1_transport: values.http1_transport,
    http2: values.http2,
    trusted_proxies: values.trusted_proxies,
    forward_auth: values.forward_auth,
    workers: values.workers,
    store,
    secret_key_file: resolvePath(values.secret_key_file),
    smtp: values.smtp,
    admin: values.admin && { listen: withPath(values.admin.listen, resolvePath) },
    log: readLog(values.log, resolvePath),
    otlp: values.otlp,
    limits: values.limits,
    key_rotation_interval_days: values.key_rotation_interval_days,
    geoip_file: values.geoip_file && resolvePath(values.geoip_file),
  });
}

function readLog(
  { export_file, ...fields }: SettingsFields["log"],
  resolvePath: (path: string) => string,
): LogSettings {
  const file = export_file ?? undefined;
  return { ...fields, ...defined({ export_file: file && resolvePath(file) }) };
}

function withPath(address: ListenAddress, resolvePath: (path: string) => string): ListenAddress {
  return address.kind === "unix" ? { kind: "unix", path: resolvePath(address.path) } : address;
}

/**
 * Without TLS of our own it is still https, unless the name means this machine: a proxy in front
 * has the certificate.
 */
function readTeamDomain({ auth_domain, tls }: SettingsFields, report: Report): URL {
  if (!URL.canParse(`https://${auth_domain}`)) {
    report.problem(
      ["auth_domain"],
      "is not a host that a browser can open; write one like login.example.com",
      auth_domain,
    );
    return new URL("http://localhost");
  }
  const url = new URL(`https://${auth_domain}`);
  const isPlain = tls === undefined && isLoopbackHost(url.hostname);
  return isPlain ? new URL(`http://${auth_domain}`) : url;
}

function readRelayHost(host: string, index: number, report: Report): string {
  if (URL.canParse(`https://${host}`)) return new URL(`https://${host}`).hostname;
  report.problem(
    ["relay_hosts", index],
    "is not a host that a terminal can ask; write one like relay.example.com",
    host,
  );
  return host;
}

/** A `Host` with another port is refused (wire-protocol 1), so nobody could sign in there. */
function checkPorts(team: URL, { listen, public_ports }: SettingsFields, report: Report): void {
  if (team.port === "") return;
  const listening = listen.flatMap((each) => (each.kind === "tcp" ? [each.port] : []));
  if ([...public_ports, ...listening].includes(Number(team.port))) return;
  report.problem(
    ["auth_domain"],
    "names a port that is not listened on; listen there, or add it to public_ports",
  );
}

function checkPlainHttp(
  team: URL,
  { listen, redirect_http }: SettingsFields,
  report: Report,
): void {
  const remedy = "add tls, or name the proxy in front that has the certificate in trusted_proxies";
  // Who writes to a Unix socket is a proxy on this machine: nobody else finds it.
  const isProxied = listen.some((each) => each.kind === "unix");
  if (!isProxied && !isLoopbackHost(team.hostname))
    report.problem(["auth_domain"], `is reached over https, which nobody here speaks; ${remedy}`);
  listen.forEach((each, index) => {
    if (each.kind === "tcp" && !isLoopbackHost(each.host)) {
      report.problem(
        ["listen", index],
        `would be plain HTTP for others to read; ${remedy}, or listen on 127.0.0.1`,
      );
    }
  });
  if (!isProxied && redirect_http !== undefined)
    report.problem(["redirect_http"], `sends people to https, which nobody here speaks; ${remedy}`);
}

/** Each process would have a memory of its own. */
function checkWorkers({ workers, store }: SettingsFields, report: Report): void {
  if (workers === 1 || store !== "sqlite::memory:") return;
  report.problem(["workers"], "cannot share a store in memory; name a file in store, or set 1");
}

function warnAboutSettings({ trusted_proxies }: SettingsFields, report: Report): void {
  trusted_proxies.forEach((network, index) => {
    // Case H4: then everybody may say where they come from.
    if (network.endsWith("/0"))
      report.warning(["trusted_proxies", index], "is every address there is; name the proxy's own");
  });
}
