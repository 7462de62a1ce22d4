import { join } from "node:path";
import { runProgram } from "../run-program.ts";
import type { Stage } from "../stage.ts";

/** Paths of PEM files. */
export interface Certificate {
  certificate: string;
  key: string;
}

/** One by ECDSA for the names that a gateway here serves, which nobody checks. */
export async function makeCertificate({ folder }: Stage): Promise<Certificate> {
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = "subjectAltName=DNS:app0.localhost,DNS:login.localhost";
  const subject = ["-subj", "/CN=app0.localhost", "-addext", names, "-days", "2"];
  const files = ["-keyout", key, "-out", certificate];
  await runProgram("openssl", ["req", "-x509", ...kind, ...subject, ...files]);
  return { certificate, key };
}
