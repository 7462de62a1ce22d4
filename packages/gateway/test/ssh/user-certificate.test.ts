// OpenSSH's own tool reads the certificates that are signed here.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { backends, temporaryFolder } from "../../../../test/storage/backends.ts";
import { makeSshKey, needsSshd } from "../../../../test/support/sshd.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";
import { SshAuthorities } from "../../src/ssh/authorities.ts";
import { fingerprintOf, readPublicKeyLine } from "../../src/ssh/public-key.ts";
import { type CertificateContent, signUserCertificate } from "../../src/ssh/user-certificate.ts";
import { rightLines } from "./key-lines.ts";

async function authority(context: TestContext) {
  const store = await backends[0]?.make(context)();
  assert.ok(store !== undefined);
  const secretBox = createSecretBox(randomBytes(32), randomBytes);
  return new SshAuthorities({ store: store.sshAuthorities, secretBox, now: Date.now }).of("aud");
}

function contentFor(line: string): CertificateContent {
  const reading = readPublicKeyLine(line);
  assert.ok(reading.ok, line);
  return {
    key: reading.key,
    serial: 18_446_744_073_709_551_615n,
    keyId: "ada@example.com/0123456789abcdef",
    principals: ["ada", "others"],
    validAfter: Date.UTC(2026, 10, 25) / 1000,
    validBefore: Date.UTC(2026, 10, 25, 0, 5) / 1000,
    extensions: ["permit-pty", "permit-X11-forwarding", "permit-pty"],
  };
}

/** What `ssh-keygen -L` says, line by line, without blanks around. */
function listed(certificate: string): string[] {
  const text = execFileSync("ssh-keygen", ["-L", "-f", "-"], {
    input: certificate,
    encoding: "utf8",
    env: { ...process.env, TZ: "UTC" },
  });
  return text.split("\n").map((line) => line.trim());
}

test(
  "ssh-keygen reads in a certificate of every type of key what was put there",
  needsSshd(),
  async (context) => {
    const folder = temporaryFolder(context);
    const signer = await authority(context);
    const made = ["ecdsa:384", "ecdsa:521", "rsa:2048"].map((type) =>
      makeSshKey(join(folder, type.replace(":", "-")), type),
    );
    for (const line of [...Object.values(rightLines), ...made]) {
      const content = contentFor(line);
      const certificate = await signUserCertificate(content, signer, randomBytes);
      assert.match(certificate, /^[\w-]+-cert-v01@openssh\.com [A-Za-z0-9+/]+=*$/);
      const lines = listed(certificate);
      for (const expected of [
        "Serial: 18446744073709551615",
        'Key ID: "ada@example.com/0123456789abcdef"',
        "Valid: from 2026-11-25T00:00:00 to 2026-11-25T00:05:00",
        "Critical Options: (none)",
      ])
        assert.ok(lines.includes(expected), `${expected} in ${lines.join("\n")}`);
      const after = (title: string) => lines.slice(lines.indexOf(title) + 1);
      assert.deepEqual(after("Principals:").slice(0, 2), ["ada", "others"]);
      assert.deepEqual(after("Extensions:").slice(0, 2), ["permit-X11-forwarding", "permit-pty"]);
      const key = fingerprintOf(content.key);
      assert.ok(lines.some((each) => each.startsWith("Public key:") && each.endsWith(key)));
      const ca = `Signing CA: ECDSA ${fingerprintOf(signer.publicKey)} (using ecdsa-sha2-nistp256)`;
      assert.ok(lines.includes(ca), lines.join("\n"));
    }
  },
);

test("no two certificates are alike, though they say the same", async (context) => {
  const signer = await authority(context);
  const content = contentFor(rightLines["ssh-ed25519"] ?? "");
  const sign = () => signUserCertificate(content, signer, randomBytes);
  assert.notEqual(await sign(), await sign());
});

test("signatures are right whatever numbers they consist of", needsSshd(), async (context) => {
  // One in 128 pairs has a number that begins with a zero, every second one that needs a sign.
  const signer = await authority(context);
  const content = contentFor(rightLines["ecdsa-sha2-nistp256"] ?? "");
  const certificates = await Promise.all(
    Array.from({ length: 600 }, () => signUserCertificate(content, signer, randomBytes)),
  );
  const lines = listed(certificates.join("\n"));
  assert.equal(lines.filter((line) => line.startsWith("Serial:")).length, 600);
});

test("the authority's private key is in the store sealed alone", async (context) => {
  const store = await backends[0]?.make(context)();
  assert.ok(store !== undefined);
  const secretBox = createSecretBox(randomBytes(32), randomBytes);
  const other = createSecretBox(randomBytes(32), randomBytes);
  const parts = { store: store.sshAuthorities, now: Date.now };
  const first = await new SshAuthorities({ ...parts, secretBox }).of("aud");
  const row = await store.sshAuthorities.find("aud");
  assert.ok(row !== undefined && !JSON.stringify(row).includes("PRIVATE"));
  const again = await new SshAuthorities({ ...parts, secretBox }).of("aud");
  assert.ok(first.privateKey.equals(again.privateKey), "made once");
  const another = await new SshAuthorities({ ...parts, secretBox }).of("another");
  assert.ok(!first.privateKey.equals(another.privateKey), "each application has its own");
  await assert.rejects(
    new SshAuthorities({ ...parts, secretBox: other }).of("aud"),
    /sealed with another secret key; restore the secret_key_file/,
  );
  await store.sshAuthorities.add({ ...row, aud: "copied" });
  await assert.rejects(new SshAuthorities({ ...parts, secretBox }).of("copied"), /another secret/);
});
