// What else the command line is installed from: a single executable, a Debian package, a Homebrew
// formula, and the tarball by npx. Built twice they are the same, and what they install works as
// the bundle does: the same terminal sessions are played with it.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { version } from "../../packages/cli/src/version.ts";
import type { Program } from "../cli/machine.ts";
import { playScene } from "../cli/play-scene.ts";
import { readSessionText, textOfScene } from "../cli/session-text.ts";
import { needs } from "../support/requirements.ts";

const run = promisify(execFile);
const checkout = join(import.meta.dirname, "../..");
const work = mkdtempSync(join(tmpdir(), "postern-distribution-"));
const [first, second] = [join(work, "first"), join(work, "second")];
const isLinuxX64 = process.platform === "linux" && process.arch === "x64";
const executable = join(first, "postern-linux-x64");
const debianPackage = join(first, `postern_${version}-1_all.deb`);

before(async () => {
  await Promise.all([build(first), build(second)]);
});
after(() => rmSync(work, { recursive: true, force: true, maxRetries: 10 }));

async function build(folder: string): Promise<void> {
  mkdirSync(folder);
  await run(process.execPath, ["scripts/build-packages.mjs", folder], { cwd: checkout });
  if (isLinuxX64)
    await run(process.execPath, ["scripts/build-executable.mjs", folder], { cwd: checkout });
}

/** Scenes of the session texts that go through the whole of a program. */
async function playSessions(context: TestContext, program: Program, names: string[]) {
  for (const name of names) {
    const text = readSessionText(readFileSync(join(checkout, "test/cli", name), "utf8"));
    for (const scene of text.scenes) {
      await context.test(`${name}: ${scene.title}`, async (own) => {
        const steps = await playScene(own, scene, program);
        assert.equal(textOfScene({ ...scene, steps }), textOfScene(scene));
      });
    }
  }
}

test(
  "two builds are the same, byte for byte, and the checksums are right",
  needs("dpkg-deb"),
  () => {
    const sums = readFileSync(join(first, "SHA256SUMS"), "utf8");
    assert.equal(readFileSync(join(second, "SHA256SUMS"), "utf8"), sums);
    execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: first, stdio: "pipe" });
    const names = sums
      .trim()
      .split("\n")
      .map((line) => line.slice(66));
    const others = readdirSync(first).filter((name) => name !== "SHA256SUMS");
    assert.deepEqual(names, others.toSorted());
  },
);

test(
  "the executable alone is the whole command line",
  isLinuxX64 ? needs("curl") : { skip: "for Linux x64" },
  async (context) => {
    await playSessions(context, { file: executable }, ["version.txt", "curl.txt"]);
  },
);

test(
  "the executable says that the gateway is not in it, and takes none of the working directory (C12)",
  isLinuxX64 ? {} : { skip: "for Linux x64" },
  () => {
    const planted = join(work, "cwd/node_modules/@postern/gateway");
    mkdirSync(planted, { recursive: true });
    const fields = { name: "@postern/gateway", type: "module", exports: "./index.js" };
    writeFileSync(join(planted, "package.json"), JSON.stringify(fields));
    writeFileSync(join(planted, "index.js"), 'console.log("planted"); process.exit(0);');
    const { status, stdout, stderr } = spawnSync(executable, ["dev"], {
      cwd: join(work, "cwd"),
      env: { HOME: work },
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.deepEqual([status, stdout], [1, ""], stderr);
    assert.match(
      stderr,
      /^postern: the gateway is not installed; install it beside this command with: npm install.*\n$/,
    );
  },
);

test(
  "the Debian package installs the program, its pages and its completions, and takes all away again",
  needs("dpkg", "dpkg-deb", "man", "curl"),
  async (context) => {
    const root = join(work, "debian");
    for (const name of ["info", "updates", "triggers"])
      mkdirSync(join(root, "var/lib/dpkg", name), { recursive: true });
    writeFileSync(join(root, "var/lib/dpkg/status"), "");
    // What it depends on is not in this root.
    const dpkg = (...args: string[]) =>
      execFileSync("dpkg", [`--root=${root}`, "--force-not-root", "--force-depends", ...args], {
        stdio: "pipe",
        encoding: "utf8",
      });
    dpkg("--install", debianPackage);
    assert.equal(dpkg("--verify", "postern"), "");

    const program = { node: process.execPath, file: join(root, "usr/bin/postern") };
    await playSessions(context, program, ["version.txt", "forget.txt"]);
    const page = ["-M", join(root, "usr/share/man"), "-w", "postern-access-token"];
    assert.match(execFileSync("man", page, { encoding: "utf8" }), /postern-access-token\.1\.gz\n$/);
    const completions = [
      "bash-completion/completions/postern",
      "zsh/vendor-completions/_postern",
      "fish/vendor_completions.d/postern.fish",
    ];
    for (const path of completions) assert.ok(existsSync(join(root, "usr/share", path)), path);

    dpkg("--purge", "postern");
    assert.ok(!existsSync(join(root, "usr")), "nothing is left");
  },
);

test("lintian finds nothing wrong with the Debian package", needs("lintian"), () => {
  // It is not meant for Debian's own archive, where a first upload closes a bug.
  const args = ["--allow-root", "--suppress-tags", "initial-upload-closes-no-bugs", debianPackage];
  const { status, stdout } = spawnSync("lintian", args, { encoding: "utf8" });
  assert.deepEqual([status, stdout], [0, ""]);
});

test("the Homebrew formula is Ruby, and names the tarball by its checksum", needs("ruby"), () => {
  const formula = join(first, "postern.rb");
  assert.equal(execFileSync("ruby", ["-c", formula], { encoding: "utf8" }), "Syntax OK\n");
  const [, sum] =
    /^(\w+) {2}postern-[\d.]+\.tgz$/m.exec(readFileSync(join(first, "SHA256SUMS"), "utf8")) ?? [];
  assert.match(readFileSync(formula, "utf8"), new RegExp(`^  sha256 "${sum}"$`, "m"));
});

test("npx runs the tarball, without a network and without a place of its own", () => {
  const home = join(work, "home");
  mkdirSync(home);
  const tarball = join(first, `postern-${version}.tgz`);
  const args = ["--yes", "--offline", `--package=${tarball}`, "postern", "--version"];
  const environment = {
    PATH: process.env["PATH"],
    HOME: home,
    npm_config_update_notifier: "false",
  };
  const output = execFileSync("npx", args, { cwd: home, env: environment, encoding: "utf8" });
  assert.equal(output, `postern ${version}\n`);
});
