// docs/recipes/tools.md: tools of Debian and npm at a port of `access http`, and nothing else: they
// know no gateway and no token.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { simpleSections } from "../support/gateway.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { signedInMachine } from "../support/signed-in-machine.ts";
import { type Answer, startUpstream } from "../support/upstream.ts";
import { runUntilEnd } from "./run-until-end.ts";

async function scene(context: TestContext, answer?: Answer) {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  if (answer !== undefined) upstream.answerWith(answer);
  const place = await signedInMachine(context, { sections: simpleSections(upstream.origin) });
  const { person, gateway } = place;
  const origin = gateway.origin("app.localhost");
  const proxy = person.start(["access", "http", origin, "--url", "localhost:0", "--json"]);
  const [, base = ""] = await proxy.until(/"url":"([^"]+)"/);
  const run = (program: string, args: string[], more: Record<string, string> = {}) =>
    runUntilEnd(program, args, {
      cwd: person.directory,
      env: { ...person.environment, NO_PROXY: "localhost", ...more },
    });
  return { ...place, upstream, origin, base, run };
}

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-recipe-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

test("wget and httpie get what is behind the gateway", needs("wget", "http"), async (context) => {
  const { upstream, base, run } = await scene(context, (_, response) =>
    send(response, "text/plain", "orders\n"),
  );
  const wget = await run("wget", ["-qO-", `${base}v1/orders`]);
  assert.deepEqual([wget.status, wget.stdout], [0, "orders\n"], wget.stderr);
  const httpie = await run("http", ["--ignore-stdin", "--body", `${base}v1/orders`, "X-Own:mine"]);
  assert.deepEqual([httpie.status, httpie.stdout.trim()], [0, "orders"], httpie.stderr);
  assert.equal(upstream.requests.at(-1)?.header("x-own"), "mine");
});

test(
  "npm installs from a registry whose packages are named by its own address",
  needs("npm", "tar"),
  async (context) => {
    const folder = temporaryFolder(context);
    mkdirSync(join(folder, "package"));
    const description = { name: "left-board", version: "1.0.0", main: "index.js" };
    writeFileSync(join(folder, "package", "package.json"), JSON.stringify(description));
    writeFileSync(join(folder, "package", "index.js"), "module.exports = 42;\n");
    const tarball = join(folder, "left-board-1.0.0.tgz");
    execFileSync("tar", ["-czf", tarball, "-C", folder, "package"]);
    const bytes = readFileSync(tarball);
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const { upstream, base, origin, run, person } = await scene(context, (request, response) => {
      if (request.url?.endsWith(".tgz")) return send(response, "application/octet-stream", bytes);
      const dist = { tarball: `${origin}/left-board/-/left-board-1.0.0.tgz`, integrity };
      const versions = { "1.0.0": { ...description, dist } };
      const metadata = { name: "left-board", "dist-tags": { latest: "1.0.0" }, versions };
      send(response, "application/json", JSON.stringify(metadata));
    });
    writeFileSync(join(person.directory, "package.json"), "{}");
    writeFileSync(
      join(person.directory, ".npmrc"),
      `registry=${base}\nreplace-registry-host=always\naudit=false\nfund=false\nupdate-notifier=false\n`,
    );
    const { status, stderr } = await run("npm", ["install", "left-board"]);
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(join(person.directory, "node_modules/left-board/index.js")));
    assert.equal(upstream.requests.length, 2);
  },
);

const hasPip = existsSync("/usr/lib/python3/dist-packages/pip");

test(
  "pip installs from an index",
  leaveOut(hasPip ? undefined : "python3-pip"),
  async (context) => {
    const folder = temporaryFolder(context);
    const wheel = makeWheel(folder);
    const { base, run, upstream } = await scene(context, (request, response) => {
      if (request.url?.endsWith(".whl")) return send(response, "application/zip", wheel.bytes);
      send(response, "text/html", `<a href="../../files/${wheel.name}">${wheel.name}</a>`);
    });
    const target = join(folder, "installed");
    const { status, stderr } = await run("/usr/bin/python3", [
      ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"],
      ...["--index-url", `${base}simple/`, "--target", target, "leftboard"],
    ]);
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(join(target, "leftboard.py")));
    assert.deepEqual(
      upstream.requests.map(({ url }) => url),
      ["/simple/leftboard/", `/files/${wheel.name}`],
    );
  },
);

/** A package of one module. */
function makeWheel(folder: string): { name: string; bytes: Buffer } {
  const name = "leftboard-1.0-py3-none-any.whl";
  const program = `
import zipfile
with zipfile.ZipFile(${JSON.stringify(join(folder, name))}, "w") as wheel:
    info = "leftboard-1.0.dist-info/"
    wheel.writestr("leftboard.py", "answer = 42\\n")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: leftboard\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "leftboard.py,,\\n" + info + "METADATA,,\\n" + info + "WHEEL,,\\n" + info + "RECORD,,\\n")
`;
  execFileSync("/usr/bin/python3", ["-c", program]);
  return { name, bytes: readFileSync(join(folder, name)) };
}
