// `access token --format exec-credential`: what kubectl is told, in the version that it asks for.
// test/e2e/recipes-kubectl.test.ts has kubectl itself.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startPeer } from "../../support/peer.ts";
import { machine } from "../../support/terminal.ts";

const group = "client.authentication.k8s.io";

async function signedIn(context: TestContext) {
  const peer = await startPeer(context);
  const person = machine(context);
  await person.run(["access", "login", "-q", peer.origin("app")]);
  const ask = (execInfo: string) =>
    person.run(["access", "token", "--format", "exec-credential", peer.origin("app")], {
      KUBERNETES_EXEC_INFO: execInfo,
    });
  return { ask };
}

test("the version is the one at the top of what kubectl says, wherever else one stands", async (context) => {
  const { ask } = await signedIn(context);
  const config = { apiVersion: `${group}/v1beta1`, note: `"${group}/v1"` };
  const lines: [execInfo: string, version: string][] = [
    ["", "v1"],
    [JSON.stringify({ apiVersion: `${group}/v1beta1`, spec: { interactive: true } }), "v1beta1"],
    [`{\n  "apiVersion" : "${group}/v1beta1"\n}`, "v1beta1"],
    [JSON.stringify({ spec: { cluster: { config } }, apiVersion: `${group}/v1` }), "v1"],
  ];
  for (const [execInfo, version] of lines) {
    const { status, stdout } = await ask(execInfo);
    assert.equal(status, 0, execInfo);
    const { apiVersion, kind } = JSON.parse(stdout) as { apiVersion: string; kind: string };
    assert.deepEqual([apiVersion, kind], [`${group}/${version}`, "ExecCredential"], execInfo);
  }
});

test("a version that this program does not know is one line, and no credential", async (context) => {
  const { ask } = await signedIn(context);
  const lines: [execInfo: string, says: RegExp][] = [
    [JSON.stringify({ apiVersion: `${group}/v1alpha1` }), /asks for ".*v1alpha1".*\/v1 or /],
    [JSON.stringify({ apiVersion: `${group}/v9` }), /asks for ".*v9"/],
    [JSON.stringify({ spec: { cluster: { apiVersion: `${group}/v1` } } }), /asks for no version/],
    [JSON.stringify({ apiVersion: `\u001b[2J${group}/v1` }), /asks for "\\x1b/],
    [`"${group}/v1beta1"`, /is no JSON object/],
    ["{", /is no JSON object/],
  ];
  for (const [execInfo, says] of lines) {
    const { status, stdout, stderr } = await ask(execInfo);
    assert.deepEqual([status, stdout], [2, ""], execInfo);
    assert.match(stderr, says);
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});

test("kubectl that may not be asked anything opens no browser, on a terminal either", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const lines: [interactive: boolean, status: number, opened: number][] = [
    [false, 3, 0],
    [true, 0, 1],
  ];
  for (const [interactive, expected, opened] of lines) {
    const { status } = await person.runOnTerminal(
      ["access", "token", "--format", "exec-credential", peer.origin("app")],
      {
        KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion: `${group}/v1`, spec: { interactive } }),
      },
    );
    assert.equal(status, expected);
    assert.equal(person.opened().length, opened);
  }
});

test("the credential for kubectl says when the application takes no bearer token, and is silent when it does", async (context) => {
  const peer = await startPeer(context, { hosts: ["silent", "takes", "refuses", "odd"] });
  const claims: Record<string, Record<string, unknown>> = {
    silent: {},
    takes: { accept_bearer: true },
    refuses: { accept_bearer: false },
    odd: { accept_bearer: "true" },
  };
  peer.answer = async (seen, response) => {
    if (seen.headers["cf-access-metadata-request"] !== "true") return false;
    const [name = ""] = seen.host.split(".");
    response.setHeader(
      "cf-access-metadata",
      await peer.metadata(`${name}.localhost`, claims[name] ?? {}),
    );
    response.statusCode = 204;
    response.end();
    return true;
  };
  const { run } = machine(context);
  for (const name of Object.keys(claims)) {
    const url = peer.origin(name);
    await run(["access", "login", "-q", url]);
    const { status, stdout, stderr } = await run([
      "access",
      "token",
      "--format=exec-credential",
      url,
    ]);
    assert.deepEqual([status, JSON.parse(stdout).kind], [0, "ExecCredential"]);
    if (name === "takes") assert.equal(stderr, "");
    else assert.match(stderr, /does not work yet.*accept_bearer: true/, name);
  }
});
