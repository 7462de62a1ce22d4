// What is asked before curl runs goes over the network that curl's own options and the environment
// name, or the person is told which of them count.
import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor, type TestCertificate } from "../../../../test/support/tls.ts";
import { type Peer, startPeer } from "../support/peer.ts";
import { type Proxy as ForwardProxy, startProxy } from "../support/proxy.ts";
import { type Machine, machine } from "../support/terminal.ts";

interface Scene {
  peer: Peer;
  proxy: ForwardProxy;
  person: Machine;
  /** of the authority that no system knows */
  ca: string;
  /** leads every name to the peer */
  connect: string[];
}

const other = "https://other.example.test/x";

/** Somebody with a session, and an application whose token is still to be exchanged for. */
async function signedIn(context: TestContext): Promise<Scene> {
  const hosts = ["app", "other", "login"];
  const names = hosts.map((host) => `${host}.example.test`);
  const secure: TestCertificate = certificateFor(context, names);
  const peer = await startPeer(context, { hosts, secure });
  const proxy = await startProxy(context, peer.port);
  // The person's browser knows where these names are.
  const toPeer = ["--connect-to", `::127.0.0.1:${peer.port}`];
  const person = machine(context, `exec curl -sk ${toPeer.join(" ")} "$1"`);
  const login = ["access", "login", "-q", "--ca-file", secure.ca_file, peer.origin("app")];
  const environment = { HTTPS_PROXY: proxy.url };
  const { status, stderr } = await person.run(login, environment);
  assert.equal(status, 0, stderr);
  return { peer, proxy, person, ca: secure.ca_file, connect: toPeer };
}

/** A run that has to ask, because what the one before it stored is in another home. */
let homes = 0;
function curl(
  { person, peer, proxy }: Scene,
  args: string[],
  environment: Record<string, string> = {},
) {
  homes += 1;
  const home = join(person.directory, `home-${homes}`);
  cpSync(person.home, home, { recursive: true });
  peer.requests.length = 0;
  proxy.tunnels.length = 0;
  return person.run(["access", "curl", "-sS", ...args], { ...environment, POSTERN_HOME: home });
}

test(
  "the look-up and curl reach the gateway by the same options and variables",
  needs("curl", "openssl"),
  async (context) => {
    const scene = await signedIn(context);
    const { proxy, ca, connect: direct, peer, person } = scene;
    const bare = proxy.url.replace("http://", "");
    const file = join(person.directory, "options");
    writeFileSync(file, `connect-to = "::127.0.0.1:${peer.port}"\ncacert = "${ca}"\n`);
    const lines: [args: string[], environment: Record<string, string>][] = [
      [["-x", proxy.url, "--cacert", ca], {}],
      [["-x", bare, "--cacert", ca], {}],
      [[`-x${bare}`, "--cacert", ca], {}],
      [["--proxy", `${proxy.url}/`, "-U", "ada:a:b", "--cacert", ca], {}],
      [["-x", proxy.url], { CURL_CA_BUNDLE: ca }],
      [["--cacert", ca], { HTTPS_PROXY: proxy.url }],
      [[...direct, "--cacert", ca], {}],
      [[...direct, "-4", "--interface", "127.0.0.1", "--cacert", ca], {}],
      [[...direct, "--noproxy", "*", "--cacert", ca], { HTTPS_PROXY: "http://127.0.0.1:1" }],
      [[...direct, "-x", "", "--cacert", ca], { HTTPS_PROXY: "http://127.0.0.1:1" }],
      [direct, { CURL_CA_BUNDLE: ca }],
      [direct, { SSL_CERT_FILE: ca }],
      [["-K", file], {}],
    ];
    for (const [args, environment] of lines) {
      const result = await curl(scene, [...args, other], environment);
      const line = `${args.join(" ")} ${JSON.stringify(environment)}`;
      assert.deepEqual(
        [result.status, result.stdout],
        [0, "hello from other.example.test\n"],
        `${line}: ${result.stderr}`,
      );
      assert.ok(peer.requests.length > 3, "the gateway was asked before curl ran");
      const isProxied =
        args.some((arg) => arg.includes(bare)) || environment["HTTPS_PROXY"] === proxy.url;
      const connections = isProxied ? peer.requests.length : 0;
      assert.equal(proxy.tunnels.length, connections, line);
      if (args.includes("-U")) {
        const expected = `Basic ${Buffer.from("ada:a:b").toString("base64")}`;
        const passwords = proxy.headers
          .slice(-connections)
          .map((each) => each["proxy-authorization"]);
        assert.deepEqual(new Set(passwords), new Set([expected]));
      }
    }
  },
);

test(
  "the options of .curlrc count for the look-up as well",
  needs("curl", "openssl"),
  async (context) => {
    const scene = await signedIn(context);
    const { person, peer, ca } = scene;
    const line = `connect-to = "::127.0.0.1:${peer.port}"\ncacert = "${ca}"\n`;
    writeFileSync(join(person.directory, ".curlrc"), line);
    const result = await curl(scene, [other]);
    assert.deepEqual(
      [result.status, result.stdout],
      [0, "hello from other.example.test\n"],
      result.stderr,
    );
    const without = await person.run(["access", "curl", "-q", "-sS", other], {
      POSTERN_HOME: `${person.home}-q`,
    });
    assert.equal(without.status, 125, "and where curl does not read it, nobody does");
  },
);

test(
  "--resolve and --unix-socket count for the look-up as well",
  needs("curl", "openssl"),
  async (context) => {
    const scene = await signedIn(context);
    const { peer, person, ca } = scene;
    const team = ["--connect-to", `login.example.test:443:127.0.0.1:${peer.port}`];
    const resolved = await curl(scene, [
      ...team,
      ...["--resolve", `other.example.test:${peer.port}:127.0.0.1`, "--cacert", ca],
      `https://other.example.test:${peer.port}/x`,
    ]);
    assert.equal(resolved.status, 0, resolved.stderr);
    const path = join(person.directory, "socket");
    const relay = createServer((socket) => {
      const onward = connect(peer.port, "127.0.0.1");
      socket.pipe(onward).pipe(socket);
      for (const each of [socket, onward]) each.on("error", () => {});
    });
    await new Promise<void>((resolve) => relay.listen(path, resolve));
    context.after(() => relay.close());
    const local = await curl(scene, ["--unix-socket", path, "--cacert", ca, other]);
    assert.deepEqual(
      [local.status, local.stdout],
      [0, "hello from other.example.test\n"],
      local.stderr,
    );
  },
);

test(
  "an option that leads to a network of curl's alone is refused by its name, with those that count",
  needs("curl", "openssl"),
  async (context) => {
    const scene = await signedIn(context);
    const lines: [args: string[], option: string][] = [
      [["--socks5", "127.0.0.1:1"], "--socks5"],
      [["-x", "socks5h://127.0.0.1:1"], "--proxy"],
      [["--preproxy", "127.0.0.1:1"], "--preproxy"],
      [["--doh-url", "https://dns.example.test/"], "--doh-url"],
      [["--dns-servers", "127.0.0.1"], "--dns-servers"],
      [["--abstract-unix-socket", "x"], "--abstract-unix-socket"],
    ];
    for (const [args, option] of lines) {
      const { status, stdout, stderr } = await curl(scene, [...args, other]);
      assert.deepEqual([status, stdout], [125, ""]);
      assert.match(
        stderr,
        new RegExp(`${option} applies to curl alone.*--resolve, --connect-to`),
        stderr,
      );
    }
    assert.deepEqual([scene.peer.requests, scene.proxy.tunnels], [[], []]);
  },
);

test(
  "-k is never taken over: a certificate that is not trusted ends it before anything is sent",
  needs("curl", "openssl"),
  async (context) => {
    const scene = await signedIn(context);
    for (const insecure of [["-k"], ["--insecure"], ["-sk"], ["--insec"]]) {
      const { status, stderr } = await curl(scene, [...insecure, ...scene.connect, other]);
      assert.equal(status, 125);
      assert.match(stderr, /is not trusted .*--ca-file FILE.*--insecure applies to curl alone/);
    }
    assert.deepEqual(scene.peer.requests, []);
  },
);

test(
  "plain http does not leave this machine by an option either, though a token is stored",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const url = peer.origin("app");
    await person.run(["access", "login", "-q", url]);
    const { port } = peer;
    peer.requests.length = 0;
    for (const args of [
      ["--resolve", `app.localhost:${port}:203.0.113.5`],
      ["--resolve", `*:${port}:127.0.0.1,203.0.113.5`],
      ["--connect-to", `app.localhost:${port}:app.example.test:80`],
      ["--connect-to", `::203.0.113.5:`],
    ]) {
      const { status, stderr } = await person.run(["access", "curl", "-sS", ...args, url]);
      assert.equal(status, 125);
      assert.match(stderr, /plain http.*to another machine/);
    }
    assert.deepEqual(peer.requests, []);
    const here = ["--resolve", `app.localhost:${port}:127.0.0.1`];
    assert.equal((await person.run(["access", "curl", "-sS", ...here, url])).status, 0);
  },
);

test(
  "a proxy that an option names does not stand between this machine and itself",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const proxy = await startProxy(context, peer.port);
    const person = machine(context);
    const url = peer.origin("app");
    await person.run(["access", "login", "-q", url]);
    for (const args of [
      ["-x", proxy.url],
      ["--proxy", proxy.url, "--noproxy", "example.com"],
    ]) {
      const { status, stdout } = await person.run(["access", "curl", "-sS", ...args, url]);
      assert.deepEqual([status, stdout], [0, "hello from app.localhost\n"]);
    }
    assert.deepEqual([proxy.tunnels, proxy.readable], [[], []]);
  },
);
