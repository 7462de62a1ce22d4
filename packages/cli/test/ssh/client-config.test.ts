// The block for `~/.ssh/config`, for programs and folders with every name that they may have.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clientConfig, configPath, shellWord } from "../../src/ssh/client-config.ts";

const base = { host: "box.example.com", hostname: "%h", flags: [] };

function filesAt(folder: string, platform: NodeJS.Platform) {
  const key = `${configPath(folder, platform)}/%h-key`;
  return { key, certificate: `${key}-cert.pub` };
}

test("paths with spaces, percent signs and quotes stand in the block as ssh and the shell read them", () => {
  const program = shellWord("/opt/my programs/postern 100%", "linux");
  const files = filesAt("/Users/ada/Library/Application Support/postern/ssh/default", "darwin");
  assert.equal(
    clientConfig({ ...base, program, files }),
    [
      "Host box.example.com",
      "  ProxyCommand '/opt/my programs/postern 100%%' access ssh --hostname %h",
      `Match host box.example.com exec "'/opt/my programs/postern 100%%' access ssh-gen --hostname %h"`,
      '  IdentityFile "/Users/ada/Library/Application Support/postern/ssh/default/%h-key"',
      '  CertificateFile "/Users/ada/Library/Application Support/postern/ssh/default/%h-key-cert.pub"',
      "",
    ].join("\n"),
  );
  assert.equal(shellWord("/home/o'brien/postern", "linux"), "'/home/o'\\''brien/postern'");
  assert.equal(shellWord("$(id)", "linux"), "'$(id)'");
});

test("on Windows slashes lean forward, and a program with spaces is quoted as cmd wants it", () => {
  const program = shellWord("C:\\Program Files\\postern\\postern.exe", "win32");
  const folder = "C:\\Users\\Ada Lovelace\\AppData\\Roaming\\postern\\ssh\\default";
  assert.equal(
    clientConfig({ ...base, program, files: undefined }),
    'Host box.example.com\n  ProxyCommand "C:/Program Files/postern/postern.exe" access ssh --hostname %h\n',
  );
  const block = clientConfig({ ...base, program: "postern", files: filesAt(folder, "win32") });
  assert.match(block, /IdentityFile "C:\/Users\/Ada Lovelace\/.*\/%h-key"$/m);
});

test("a program that no version of ssh would find is refused, with what to do", () => {
  const programs = [
    shellWord("C:\\Program Files\\postern.exe", "win32"),
    shellWord("/home/o'brien/postern", "linux"),
    shellWord('/opt/"quoted"/postern', "linux"),
  ];
  for (const program of programs)
    assert.throws(
      () => clientConfig({ ...base, program, files: filesAt("/home/ada", "linux") }),
      /put it into the PATH under the name postern/,
      program,
    );
});
