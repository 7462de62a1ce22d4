// Certificates for tests over TLS: an authority that lives for one test, and a leaf for the hosts
// it names. OpenSSL makes them, since Node signs no certificates.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface Certificate {
  /** paths, as `tls.certificates` of the configuration names them */
  cert_file: string;
  key_file: string;
}

export interface TestCertificate extends Certificate {
  /**
   * PEM of the authority; not enumerable, so that the rest can stand in a configuration as it is
   */
  readonly ca: string;
  /** the same as a file, for `--ca-file` and curl's `--cacert` */
  readonly ca_file: string;
}

/** When the leaf of a certificate holds, as OpenSSL writes it: `20260101000000Z`. */
export interface Validity {
  from: string;
  to: string;
}

/**
 * A leaf for `hosts` (names or addresses; `*.` is allowed) in files that go with the test.
 * @param validity default: two days from now on
 * @throws {Error} when openssl is not here
 */
export function certificateFor(
  context: TestContext,
  hosts: string[],
  validity?: Validity,
): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "postern-tls-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
    "-days",
    "2",
    "-subj",
    "/CN=Postern test authority",
  );
  openssl(
    "req",
    "-new",
    ...newKey,
    "-keyout",
    file("leaf.key"),
    "-out",
    file("leaf.csr"),
    "-subj",
    "/CN=Postern test",
  );
  const names = hosts.map((host) => `${isIP(host) === 0 ? "DNS" : "IP"}:${host}`).join(",");
  writeFileSync(
    file("leaf.ext"),
    `subjectAltName=${names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`,
  );
  const signed = ["-in", file("leaf.csr"), "-out", file("leaf.pem"), "-extfile", file("leaf.ext")];
  if (validity === undefined) {
    const authority = ["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial"];
    openssl("x509", "-req", "-days", "2", ...signed, ...authority);
  } else {
    writeFileSync(file("ca.cnf"), authorityConfiguration(folder));
    writeFileSync(file("index.txt"), "");
    const dates = ["-startdate", validity.from, "-enddate", validity.to];
    openssl("ca", "-batch", "-notext", "-config", file("ca.cnf"), ...signed, ...dates);
  }

  const certificate: Certificate = { cert_file: file("leaf.pem"), key_file: file("leaf.key") };
  return Object.defineProperties(certificate as TestCertificate, {
    ca: { value: readFileSync(file("ca.pem"), "utf8") },
    ca_file: { value: file("ca.pem") },
  });
}

/** OpenSSL's command for chosen dates reads the rest from a file. */
function authorityConfiguration(folder: string): string {
  return `[ca]
default_ca = test
[test]
database = ${folder}/index.txt
new_certs_dir = ${folder}
rand_serial = yes
certificate = ${folder}/ca.pem
private_key = ${folder}/ca.key
default_md = sha256
policy = names
[names]
commonName = supplied
`;
}
