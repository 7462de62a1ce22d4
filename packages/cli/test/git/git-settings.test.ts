// What stands in git's configuration, and who listens at a port, with nothing started.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { credentialText, forPlace, readCredentialLines } from "../../src/git/credential-lines.ts";
import { listenerIn } from "../../src/git/forge-process.ts";
import { settingsText, shellLine } from "../../src/git/git-settings.ts";

test("git reads the settings as they are meant, whatever is in a path", needs("git"), (context) => {
  const folder = mkdtempSync(join(tmpdir(), "postern-git-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = `/home/it's "a\\b" #;\t\n[core]\n\tfsmonitor = echo`;
  const words = ["env", `POSTERN_HOME=${path}`, "/usr/bin/node"];
  const forge = { url: "https://git.example.com/deep/", port: 20_001, profile: "default" };
  const file = join(folder, "config");
  writeFileSync(file, settingsText([forge], shellLine(words)));
  const value = (name: string) =>
    execFileSync("git", ["config", "--file", file, "--get", name], { encoding: "utf8" }).trimEnd();
  assert.equal(value("url.http://127.0.0.1:20001/deep/.insteadOf"), forge.url);
  assert.equal(value("http.http://127.0.0.1:20001/.proxy"), "http://postern@127.0.0.1:20001");
  const helper = value("credential.http://127.0.0.1:20001.helper");
  assert.ok(helper.startsWith("!"));
  const seen = execFileSync("sh", ["-c", `printf '%s\\0' ${helper.slice(1)}`], {
    encoding: "utf8",
  });
  assert.deepEqual(seen.split("\0").slice(0, -1), words);
  const names = execFileSync("git", ["config", "--file", file, "--list", "--name-only"]);
  assert.doesNotMatch(names.toString(), /^core\./m, "a path adds no setting");
});

test("what is known of a credential stays when it is for another place", () => {
  const lines = readCredentialLines(
    'protocol=http\nhost=127.0.0.1:20001\npath=a\nwwwauth[]=Basic realm="x=y"\nusername=ada\n\nhost=x\n',
  );
  assert.equal(
    credentialText(forPlace(lines, new URL("https://git.example.com/deep/"))),
    'protocol=https\nhost=git.example.com\nwwwauth[]=Basic realm="x=y"\nusername=ada\n\n',
  );
  assert.deepEqual(readCredentialLines("\nhost=x\n"), []);
  assert.deepEqual(readCredentialLines("no line\n=x\n"), []);
});

test("the user who listens at a port is read from the system's table", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
    "   0: 0100007F:4E21 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1",
    "   1: 0100007F:4E22 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1001        0 2",
    "   3: 0500007F:4E24 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4",
    "   4: 0100007F:4E24 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 5",
    "   2: 00000000:4E23 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1002        0 3",
  ].join("\n");
  assert.equal(listenerIn(table, 0x4e21), 1000);
  assert.equal(listenerIn(table, 0x4e22), undefined);
  assert.equal(listenerIn(table, 0x4e23), 1002);
  assert.equal(listenerIn(table, 0x4e24), 1001, "and not who has the port of 127.0.0.5");
  assert.equal(listenerIn("", 1), undefined);
});
