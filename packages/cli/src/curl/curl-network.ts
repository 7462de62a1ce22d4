// What curl must know of the network that we know: names below .localhost, and the authorities that
// we trust.
import { readFileSync } from "node:fs";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { SecretDescriptors } from "../tool/secret-descriptor.ts";
import { type CurlSection, hasOption } from "./curl-credentials.ts";

/**
 * @param files lends the combined authorities a name
 * @throws {CliError} usage
 */
export function networkArguments(
  context: Context,
  section: CurlSection,
  files: SecretDescriptors,
): string[] {
  const apps = [...section.targets.values()].map((target) => target.app);
  const names = new Set(
    apps.filter(({ hostname }) => hostname.endsWith(".localhost")).map(resolveRule),
  );
  const secure = apps.some(({ protocol }) => protocol === "https:");
  const own =
    secure && !hasOption(section, "cacert", "capath", "insecure", "ca-native")
      ? ownAuthorities(context)
      : [];
  return [
    ...[...names].flatMap((rule) => ["--resolve", rule]),
    ...(own.length === 0 ? [] : ["--cacert", bundle(context, own, files)]),
  ];
}

/** Without a resolver (wire-protocol 9). */
function resolveRule(app: AppUrl): string {
  const port = /:(\d+)$/.exec(app.host)?.[1] ?? (app.protocol === "https:" ? "443" : "80");
  return `${app.hostname}:${port}:127.0.0.1`;
}

/**
 * The files that name authorities beyond the system's, as certificate-authorities.ts reads them.
 */
function ownAuthorities({ caFile, environment }: Context): string[] {
  const extra = environment["NODE_EXTRA_CA_CERTS"] ?? "";
  return [...(caFile === undefined ? [] : [caFile]), ...(extra === "" ? [] : [extra])];
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
function bundle(context: Context, own: string[], files: SecretDescriptors): string {
  const texts = own.map((file) => {
    const text = read(file);
    if (text === undefined && file === context.caFile)
      throw new CliError("usage", `${file} cannot be read; --ca-file takes a PEM file`);
    return text ?? "";
  });
  const [only = ""] = own;
  if (process.platform !== "linux") return only;
  const { environment } = context;
  const system = [environment["CURL_CA_BUNDLE"], environment["SSL_CERT_FILE"], ...systemBundles]
    .map((file) => (file ? read(file) : undefined))
    .find((text) => text !== undefined);
  return system === undefined && own.length === 1
    ? only
    : files.add([...texts, system ?? ""].join("\n"));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
