// Which authorities are trusted: Node's, the system's, and those that options and variables name.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import tls from "node:tls";
import { CliError } from "../../src/exit-status.ts";
import { trustedCertificates } from "../../src/net/certificate-authorities.ts";
import { surroundings } from "../support/context.ts";

const pem = (name: string) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(name).toString("base64")}\n-----END CERTIFICATE-----\n`;

test("files and folders that variables and options name are trusted beside the usual ones", (context) => {
  const { home } = surroundings(context);
  mkdirSync(join(home, "folder"), { recursive: true });
  const file = (name: string) => {
    const path = join(home, name);
    writeFileSync(path, pem(name));
    return path;
  };
  const [bundle, certFile, own, cacert] = ["bundle", "cert-file", "own", "cacert"].map(file);
  file("folder/0a1b2c3d.0");
  writeFileSync(join(home, "folder", "README"), "no certificate");
  const network = { resolve: [], connectTo: [], unknown: [], curlOnly: [] };
  const trusted = trustedCertificates({
    caFile: own,
    environment: {
      CURL_CA_BUNDLE: bundle,
      SSL_CERT_FILE: certFile,
      SSL_CERT_DIR: `${join(home, "folder")}:${join(home, "missing")}`,
    },
    network: { ...network, authorities: [cacert ?? ""], authorityFolders: [] },
  });
  for (const name of ["bundle", "cert-file", "folder/0a1b2c3d.0", "own", "cacert"])
    assert.ok(trusted.includes(pem(name)), name);
  assert.ok(trusted.length > 50, "and the usual ones");
});

test("a file that an option names must be there, one that a variable names may be missing", (context) => {
  const { home } = surroundings(context);
  const missing = join(home, "missing.pem");
  const variables = { CURL_CA_BUNDLE: missing, SSL_CERT_FILE: missing, SSL_CERT_DIR: missing };
  const usual = trustedCertificates({ caFile: undefined, environment: variables });
  assert.ok(usual.length > 50);
  assert.throws(
    () => trustedCertificates({ caFile: missing, environment: {} }),
    (error: unknown) =>
      error instanceof CliError && /cannot be read.*--ca-file/.test(error.message),
  );
});

const systemBundle = "/etc/ssl/certs/ca-certificates.crt";

test("a Node that cannot tell the system's authorities takes them from the file where they lie", {
  skip: existsSync(systemBundle) ? false : `this machine has no ${systemBundle}`,
}, (context) => {
  const { getCACertificates } = tls;
  context.after(() => {
    tls.getCACertificates = getCACertificates;
  });
  // As in Node 20.
  Reflect.deleteProperty(tls, "getCACertificates");
  const extra = join(surroundings(context).home, "..", "extra.pem");
  writeFileSync(extra, pem("extra"));
  // Another file than before, since what was gathered is kept.
  const caFile = join(extra, "..", "own.pem");
  writeFileSync(caFile, pem("own"));
  const environment = { NODE_EXTRA_CA_CERTS: extra };
  const trusted = trustedCertificates({ caFile, environment });
  const bundle = readFileSync(systemBundle, "utf8");
  for (const text of [bundle, pem("extra"), pem("own"), tls.rootCertificates[0] ?? ""])
    assert.ok(trusted.includes(text), text.slice(0, 80));
});
