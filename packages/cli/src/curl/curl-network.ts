// What curl must know of the network that we know: names below .localhost, and the authorities that
// we trust.
import { readFileSync } from "node:fs";
import { type AppUrl, portOf } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { SecretDescriptors } from "../tool/secret-descriptor.ts";
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
  return [...resolveArguments(apps), ...authorityArguments(context, section, apps, files)];
}

/** Names below .localhost, found without a resolver (wire-protocol 9). */
function resolveArguments(apps: AppUrl[]): string[] {
  const rules = apps
    .filter(({ hostname }) => hostname.endsWith(".localhost"))
    .map(({ hostname, origin }) => `${hostname}:${portOf(new URL(origin))}:127.0.0.1`);
  return [...new Set(rules)].flatMap((rule) => ["--resolve", rule]);
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

/** Where distributions keep what they trust; `--cacert` takes the place of it. */
const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * One file with ours beside the system's: a line may name hosts of both. Where descriptors share
 * their offset (macOS), a second connection would find the file at its end: there it is ours alone.
 */
function bundle(context: Context, authorities: string[], files: SecretDescriptors): string {
  const texts = authorities.map((file) => readAuthorities(context, file));
  const [first = ""] = authorities;
  if (process.platform !== "linux") return first;
  const system = systemAuthorities(context.environment);
  if (system === undefined && authorities.length === 1) return first;
  return files.add([...texts, system ?? ""].join("\n"));
}

function readAuthorities({ caFile }: Context, file: string): string {
  const text = readText(file);
  if (text === undefined && file === caFile)
    throw new CliError("usage", `${file} cannot be read; --ca-file takes a PEM file`);
  return text ?? "";
}

function systemAuthorities(environment: NodeJS.ProcessEnv): string | undefined {
  return [environment["CURL_CA_BUNDLE"], environment["SSL_CERT_FILE"], ...systemBundles]
    .map((file) => (file ? readText(file) : undefined))
    .find((text) => text !== undefined);
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
