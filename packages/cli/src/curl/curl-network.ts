// What curl must know of the network that we know: names below .localhost, and the authorities that
// we trust.
import { readFileSync } from "node:fs";
import { isLoopbackHost } from "@postern/protocol/host";
import { type AppUrl, portOf } from "../app-url.ts";
import type { Context, Network } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { environmentAuthorities, systemAuthorities } from "../net/authority-files.ts";
import { exemptNames } from "../tool/loopback-environment.ts";
import type { SecretDescriptors } from "../tool/secret-descriptor.ts";
import { needsLoopbackRule, networkOf } from "./curl-lookup.ts";
import { type CurlSection, hasOption } from "./curl-section.ts";

/**
 * The options by which curl reaches the section's hosts.
 * @param files lends the combined authorities a name
 * @throws {CliError} usage
 */
export function networkArguments(
  context: Context,
  section: CurlSection,
  files: SecretDescriptors,
): string[] {
  const apps = [...section.targets.values()].map((target) => target.app);
  return [
    ...resolveArguments(apps, networkOf(section)),
    ...directArguments(context, section, apps),
    ...authorityArguments(context, section, apps, files),
  ];
}

/** Names below .localhost, found without a resolver (wire-protocol 9). */
function resolveArguments(apps: AppUrl[], network: Network): string[] {
  const rules = apps
    .map(({ hostname, origin }) => ({ hostname, port: portOf(new URL(origin)) }))
    .filter(({ hostname, port }) => needsLoopbackRule(hostname, port, network))
    .map(({ hostname, port }) => `${hostname}:${port}:127.0.0.1`);
  return [...new Set(rules)].flatMap((rule) => ["--resolve", rule]);
}

const proxyOptions = [
  "preproxy",
  "proxy",
  "proxy1.0",
  "socks4",
  "socks4a",
  "socks5",
  "socks5-hostname",
];

/** No proxy stands between this machine and itself, whichever option names one. */
function directArguments(context: Context, section: CurlSection, apps: AppUrl[]): string[] {
  const { noProxy } = networkOf(section);
  const asksThisMachine = apps.some(({ hostname }) => isLoopbackHost(hostname));
  if (!asksThisMachine || !hasOption(section, ...proxyOptions)) return [];
  const { environment } = context;
  const list = noProxy ?? (environment["no_proxy"] || environment["NO_PROXY"]);
  return ["--noproxy", [...(list ? [list] : []), exemptNames].join()];
}

function authorityArguments(
  context: Context,
  section: CurlSection,
  apps: AppUrl[],
  files: SecretDescriptors,
): string[] {
  const needsAuthorities =
    apps.some(({ protocol }) => protocol === "https:") &&
    !hasOption(section, "cacert", "capath", "insecure", "ca-native");
  const authorities = needsAuthorities ? ownAuthorities(context) : [];
  return authorities.length === 0 ? [] : ["--cacert", bundle(context, authorities, files)];
}

/**
 * The files that name authorities beyond the system's, as certificate-authorities.ts reads them.
 */
function ownAuthorities({ caFile, environment }: Context): string[] {
  const files = [caFile, environment["NODE_EXTRA_CA_CERTS"] || undefined];
  return files.filter((file) => file !== undefined);
}

/**
 * One file with ours beside the system's: a line may name hosts of both. Where descriptors share
 * their offset (macOS), a second connection would find the file at its end: there it is ours alone.
 */
function bundle(context: Context, authorities: string[], files: SecretDescriptors): string {
  const texts = authorities.map((file) => readAuthorities(context, file));
  const [first = ""] = authorities;
  if (process.platform !== "linux") return first;
  const fromEnvironment = environmentAuthorities(context.environment);
  const others = fromEnvironment.length > 0 ? fromEnvironment : systemAuthorities();
  if (others.length === 0 && authorities.length === 1) return first;
  return files.add([...texts, ...others].join("\n"));
}

function readAuthorities({ caFile }: Context, file: string): string {
  const text = readText(file);
  if (text === undefined && file === caFile)
    throw new CliError("usage", `${file} cannot be read; --ca-file needs a PEM file`);
  return text ?? "";
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
