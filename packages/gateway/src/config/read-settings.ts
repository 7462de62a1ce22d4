// How the process runs, from fields of the right shape to values that it can use: paths made
// absolute, the issuer worked out, and the combinations refused that would send people's
// credentials in clear, or send them nowhere.
import { isLoopbackHost } from "@postern/protocol";
import type { z } from "zod";
import { defined } from "../defined.ts";
import type { Report } from "../model/problem.ts";
import { type FileContext, readCertificateFiles } from "./certificate-files.ts";
import { readFields } from "./read-fields.ts";
import { settingsFields } from "./settings.ts";
import type { ListenAddress } from "./values.ts";

type WrittenSettings = {
  [Field in keyof typeof settingsFields]: z.infer<(typeof settingsFields)[Field]>;
};

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
  trusted_proxies: string[];
  /** ":memory:", or the absolute path of an SQLite file */
  store: string;
  /** absolute */
  secret_key_file: string;
  smtp?: { url: string; from: string };
  log: Pick<WrittenSettings["log"], "level" | "requests">;
  limits: WrittenSettings["limits"];
  key_rotation_interval_days: number;
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
  const { right, all: written } = readFields(settingsFields, fields, report);
  // What stands for itself is looked at even where other fields are wrong.
  const certificates = right.tls?.certificates.map((pair, index) =>
    readCertificateFiles(pair, ["tls", "certificates", index], files),
  );
  const store = right.store === undefined ? ":memory:" : readStore(right.store, files);
  if (written === undefined) return undefined;

  const team = readTeamDomain(written, report);
  checkPorts(team, written, report);
  if (written.tls === undefined && written.trusted_proxies.length === 0)
    checkPlainHttp(team, written, report);
  warnAboutSettings(written, report);
  return defined({
    auth_domain: team.host,
    issuer: team.origin,
    team_host: team.hostname,
    relay_hosts: written.relay_hosts.map((host, index) => readRelayHost(host, index, report)),
    listen: written.listen.map((address) => withPath(address, resolvePath)),
    redirect_http: written.redirect_http && withPath(written.redirect_http, resolvePath),
    public_ports: written.public_ports,
    tls: certificates === undefined ? undefined : { certificates },
    trusted_proxies: written.trusted_proxies,
    store,
    secret_key_file: resolvePath(written.secret_key_file),
    smtp: written.smtp,
    log: { level: written.log.level, requests: written.log.requests },
    limits: written.limits,
    key_rotation_interval_days: written.key_rotation_interval_days,
  });
}

function withPath(address: ListenAddress, resolvePath: (path: string) => string): ListenAddress {
  return address.kind === "unix" ? { kind: "unix", path: resolvePath(address.path) } : address;
}

/**
 * Without TLS of our own it is still https, unless the name means this machine: a proxy in front
 * has the certificate.
 */
function readTeamDomain({ auth_domain, tls }: WrittenSettings, report: Report): URL {
  const url = URL.canParse(`https://${auth_domain}`)
    ? new URL(`https://${auth_domain}`)
    : undefined;
  if (url === undefined) {
    report.problem(
      ["auth_domain"],
      "is not a host that a browser can open; write one like login.example.com",
      auth_domain,
    );
    return new URL("http://localhost");
  }
  return tls === undefined && isLoopbackHost(url.hostname) ? new URL(`http://${auth_domain}`) : url;
}

function readRelayHost(written: string, index: number, report: Report): string {
  if (URL.canParse(`https://${written}`)) return new URL(`https://${written}`).hostname;
  report.problem(
    ["relay_hosts", index],
    "is not a host that a terminal can ask; write one like relay.example.com",
    written,
  );
  return written;
}

/** A `Host` with another port is refused (wire-protocol 1), so nobody could sign in there. */
function checkPorts(team: URL, { listen, public_ports }: WrittenSettings, report: Report): void {
  const known = [
    ...public_ports,
    ...listen.flatMap((each) => (each.kind === "tcp" ? [each.port] : [])),
  ];
  if (team.port !== "" && !known.includes(Number(team.port))) {
    report.problem(
      ["auth_domain"],
      "names a port that is not listened on; listen there, or add it to public_ports",
    );
  }
}

function checkPlainHttp(
  team: URL,
  { listen, redirect_http }: WrittenSettings,
  report: Report,
): void {
  const whatElse =
    "add tls, or name the proxy in front that has the certificate in trusted_proxies";
  // Who writes to a Unix socket is a proxy on this machine: nobody else finds it.
  const proxied = listen.some((each) => each.kind === "unix");
  if (!proxied && !isLoopbackHost(team.hostname))
    report.problem(["auth_domain"], `is reached over https, which nobody here speaks; ${whatElse}`);
  listen.forEach((each, index) => {
    if (each.kind === "tcp" && !isLoopbackHost(each.host)) {
      report.problem(
        ["listen", index],
        `would be plain HTTP for others to read; ${whatElse}, or listen on 127.0.0.1`,
      );
    }
  });
  if (!proxied && redirect_http !== undefined)
    report.problem(
      ["redirect_http"],
      `sends people to https, which nobody here speaks; ${whatElse}`,
    );
}

/** Never quoted: an address of a database holds a password. */
function readStore(written: string, { report, resolvePath }: FileContext): string {
  const place = /^sqlite:(?!\/\/[^/])(.+)$/.exec(written)?.[1];
  if (place !== undefined) return place === ":memory:" ? place : resolvePath(place);
  const what = /^postgres(ql)?:/.test(written)
    ? "PostgreSQL is not supported yet"
    : "is not a store";
  report.problem(
    ["store"],
    `${what}; write sqlite:./data/postern.db or sqlite:/var/lib/postern/postern.db`,
  );
  return ":memory:";
}

function warnAboutSettings(
  { workers, admin, geoip_file, log, trusted_proxies }: WrittenSettings,
  report: Report,
): void {
  const noEffect = "has no effect yet";
  if (workers !== 1) report.warning(["workers"], noEffect);
  if (admin !== undefined) report.warning(["admin"], noEffect);
  if (geoip_file !== undefined) report.warning(["geoip_file"], noEffect);
  if (log.access_log_retention !== undefined)
    report.warning(["log", "access_log_retention"], noEffect);
  if (log.export_file !== undefined) report.warning(["log", "export_file"], noEffect);
  trusted_proxies.forEach((network, index) => {
    // Case H4: then everybody may say where they come from.
    if (network.endsWith("/0"))
      report.warning(["trusted_proxies", index], "is every address there is; name the proxy's own");
  });
}
