// Certificates as ssh-keygen writes them, and those that are not what was asked for.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import {
  certificateFault,
  isLasting,
  publicKeyLine,
  readCertificate,
} from "../../src/ssh/certificate.ts";

/** An authority and two keys, and what it certifies. */
function authority(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "postern-certificate-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const keygen = (...args: string[]) =>
    execFileSync("ssh-keygen", ["-q", ...args], { cwd: folder });
  for (const name of ["ca", "key", "other"])
    keygen("-t", "ecdsa", "-b", "256", "-N", "", "-C", "", "-f", name);
  return {
    folder,
    certify(name: string, ...flags: string[]): string {
      keygen("-s", "ca", "-I", "id", "-V", "-5m:+5m", ...flags, `${name}.pub`);
      return readFileSync(join(folder, `${name}-cert.pub`), "utf8");
    },
    pointOf(name: string): Buffer {
      const key = execFileSync("ssh-keygen", ["-e", "-m", "PKCS8", "-f", `${name}.pub`], {
        cwd: folder,
      });
      const { x = "", y = "" } = createPublicKey(key).export({ format: "jwk" });
      return Buffer.from(`04${hex(x)}${hex(y)}`, "hex");
    },
  };
}

function hex(base64url: string): string {
  return Buffer.from(base64url, "base64url").toString("hex").padStart(64, "0");
}

const seconds = () => Date.now() / 1000;

test(
  "a certificate of ssh-keygen's is read, and the public line is the one that it writes",
  needs("ssh-keygen"),
  (context) => {
    const ca = authority(context);
    const certificate = readCertificate(ca.certify("key", "-n", "ada"));
    assert.ok(certificate !== undefined);
    const point = ca.pointOf("key");
    assert.ok(certificate.point.equals(point));
    assert.deepEqual(certificate.principals, ["ada"]);
    assert.equal(certificate.validBefore - certificate.validAfter, 600);
    assert.equal(certificateFault(certificate, point, "Ada@Example.com", seconds()), undefined);
    const [type, base64] = readFileSync(join(ca.folder, "key.pub"), "utf8").split(" ");
    assert.equal(publicKeyLine(point), `${type} ${base64?.trim()}`);
  },
);

test(
  "a certificate for another key, account, kind or time is none",
  needs("ssh-keygen"),
  (context) => {
    const ca = authority(context);
    const point = ca.pointOf("key");
    for (const [line, fault] of [
      [ca.certify("other", "-n", "ada"), /another key/],
      [ca.certify("key", "-n", "bob"), /another account/],
      [ca.certify("key", "-n", "ada,root"), /another account/],
      [ca.certify("key"), /another account/],
      [ca.certify("key", "-h", "-n", "ada"), /no certificate/],
      [ca.certify("key", "-n", "ada", "-V", "-2h:-1h"), /has run out/],
      [ca.certify("key", "-n", "ada", "-V", "+1h:+2h"), /not valid yet/],
      [readFileSync(join(ca.folder, "key.pub"), "utf8"), /no certificate/],
      ["", /no certificate/],
    ] as const)
      assert.match(
        certificateFault(readCertificate(line), point, "ada@example.com", seconds()) ?? "",
        fault,
      );
  },
);

test(
  "what is cut off anywhere, or goes on, is no certificate and no exception",
  needs("ssh-keygen"),
  (context) => {
    const [type, base64 = ""] = authority(context).certify("key", "-n", "ada").split(" ");
    const bytes = Buffer.from(base64, "base64");
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length).toString("base64");
      assert.equal(readCertificate(`${type} ${cut}`), undefined, `${length} bytes`);
    }
    const longer = Buffer.concat([bytes, Buffer.alloc(1)]).toString("base64");
    assert.equal(readCertificate(`${type} ${longer}`), undefined);
  },
);

test("one that is about to run out is renewed, and one of the future is not used", () => {
  const certificate = {
    point: Buffer.alloc(0),
    principals: [],
    validAfter: 1_000,
    validBefore: 1_600,
  };
  for (const [now, lasts] of [
    [999, false],
    [1_000, true],
    [1_569, true],
    [1_570, false],
    [1_700, false],
  ] as const)
    assert.equal(isLasting(certificate, now), lasts, `${now}`);
});
