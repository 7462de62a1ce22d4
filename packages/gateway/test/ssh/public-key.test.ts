import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../../test/storage/backends.ts";
import { makeSshKey, needsSshd } from "../../../../test/support/sshd.ts";
import { fingerprintOf, publicKeyLine, readPublicKeyLine } from "../../src/ssh/public-key.ts";
import { rightLines, wrongLines } from "./key-lines.ts";

test("a key of every type is read, with and without comment and line break", () => {
  for (const [type, line] of Object.entries(rightLines)) {
    for (const text of [line, `${line}\n`, `${line}\r\n`, `${line} ada@laptop ü`, `${line}\t`]) {
      const reading = readPublicKeyLine(text);
      assert.ok(reading.ok, `${type}: ${JSON.stringify(reading)}`);
      assert.equal(reading.key.type, type);
      assert.equal(publicKeyLine(reading.key), line);
    }
  }
});

test("a line that is no key of a known type, in any of many ways, is refused", () => {
  for (const [what, line] of Object.entries(wrongLines))
    assert.equal(readPublicKeyLine(line).ok, false, what);
});

test(
  "keys that ssh-keygen makes are read, with the fingerprint that it shows",
  needsSshd(),
  (context) => {
    const folder = temporaryFolder(context);
    for (const type of ["ed25519", "ecdsa:256", "ecdsa:384", "ecdsa:521", "rsa:2048", "rsa:4096"]) {
      const file = join(folder, type.replace(":", "-"));
      const reading = readPublicKeyLine(makeSshKey(file, type));
      assert.ok(reading.ok, type);
      const shown = execFileSync("ssh-keygen", ["-l", "-f", `${file}.pub`], { encoding: "utf8" });
      assert.equal(shown.split(" ")[1], fingerprintOf(reading.key), type);
    }
  },
);

test("the keys that are read here are keys for ssh-keygen, too", needsSshd(), () => {
  for (const [type, line] of Object.entries(rightLines)) {
    const shown = execFileSync("ssh-keygen", ["-l", "-f", "-"], { input: line, encoding: "utf8" });
    assert.match(shown, /^\d+ SHA256:/, type);
  }
});
