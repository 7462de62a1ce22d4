// HTTP/2 as programs speak it by themselves: curl over TLS and in the clear, Chromium with fetch
// and WebSockets, and nginx in front as a trusted proxy.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { WebSocketServer } from "ws";
import { browserOptions, withPage } from "../support/browser.ts";
import { freePort, simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { certificateFor, type TestCertificate } from "../support/tls.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const run = promisify(execFile);
const host = "app.localhost";
const open = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];
const nginx = "/usr/sbin/nginx";

interface Scene {
  upstream: Upstream;
  gateway: TestGateway;
}

/** A gateway whose one application lets everybody in, before an origin. */
async function scene(
  context: TestContext,
  more: Record<string, unknown> = {},
  tls?: TestCertificate,
  origin?: string,
): Promise<Scene> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const sections = simpleSections(origin ?? upstream.origin);
  const [application] = sections["applications"] as [Record<string, unknown>];
  const gateway = await startGateway({
    sections: { ...sections, applications: [{ ...application, policies: open }], ...more },
    ...(tls === undefined ? {} : { tls: [tls] }),
  });
  context.after(() => gateway.close());
  return { upstream, gateway };
}

/** @returns the version that curl spoke, and the status */
async function curl(gateway: TestGateway, ...options: string[]): Promise<string> {
  const always = ["-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"];
  const resolve = ["--resolve", `${host}:${gateway.port}:127.0.0.1`];
  const { stdout } = await run("curl", [...always, ...resolve, ...options, gateway.origin(host)]);
  return stdout;
}

test(
  "curl speaks HTTP/2 over TLS, and HTTP/1.1 where it or the configuration wants that",
  needs("curl", "openssl"),
  async (context) => {
    const tls = certificateFor(context, [host, "login.localhost"]);
    const trust = ["--cacert", tls.ca_file];
    const { gateway } = await scene(context, {}, tls);
    assert.equal(await curl(gateway, ...trust, "--http2"), "2 200");
    assert.equal(await curl(gateway, ...trust, "--http1.1"), "1.1 200");
    const { gateway: old } = await scene(context, { http2: false }, tls);
    assert.equal(await curl(old, ...trust, "--http2"), "1.1 200");
  },
);

test(
  "curl speaks HTTP/2 in the clear where it knows that it may, and uploads over it",
  needs("curl"),
  async (context) => {
    const { gateway, upstream } = await scene(context);
    assert.equal(await curl(gateway, "--http2-prior-knowledge"), "2 200");
    // An offer of h2c is no reason to change anything.
    assert.equal(await curl(gateway, "--http2"), "1.1 200");

    const folder = mkdtempSync(join(tmpdir(), "postern-upload-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "upload");
    writeFileSync(file, Buffer.alloc(8 * 1024 * 1024, "postern"));
    assert.equal(await curl(gateway, "--http2-prior-knowledge", "-T", file), "2 200");
    assert.equal(upstream.requests.at(-1)?.bodySize, 8 * 1024 * 1024);
  },
);

test(
  "Chromium fetches over HTTP/2, and a WebSocket beside it speaks with the origin",
  browserOptions(),
  async (context) => {
    const { upstream } = await scene(context);
    const sockets = new WebSocketServer({ port: await freePort(), host: "127.0.0.1" });
    context.after(() => sockets.close());
    sockets.on("connection", (socket) => socket.on("message", (text) => socket.send(`${text}!`)));
    const ingress = [
      { path: "/socket", service: `http://127.0.0.1:${sockets.options.port}` },
      { service: upstream.origin },
    ];
    const tls = certificateFor(context, [host, "login.localhost"]);
    const { gateway } = await scene(context, { ingress }, tls);
    await withPage(async (page) => {
      await page.goto(gateway.origin(host));
      assert.equal(await page.evaluate(fetchOnPage), "/fetched h2");
      assert.equal(
        await page.evaluate(echoOnPage(`wss://${host}:${gateway.port}/socket`)),
        "hello!",
      );
    });
  },
);

test(
  "nginx in front speaks HTTP/2 with the gateway, which believes it who the client is",
  leaveOut(existsSync(nginx) ? undefined : "nginx"),
  async (context) => {
    const { gateway, upstream } = await scene(context, { trusted_proxies: ["127.0.0.1"] });
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "postern-nginx-"));
    const file = join(folder, "nginx.conf");
    const headers = ["Host $host", "X-Forwarded-For 203.0.113.9", "X-Forwarded-Proto $scheme"];
    writeFileSync(
      file,
      `daemon off; pid ${folder}/pid; error_log stderr; events {}\n` +
        `http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;\n` +
        `fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;\n` +
        `server { listen 127.0.0.1:${port}; location / { grpc_pass grpc://127.0.0.1:${gateway.port};\n` +
        `${headers.map((header) => `grpc_set_header ${header};`).join("\n")} } } }`,
    );
    const child = spawn(nginx, ["-e", "stderr", "-c", file], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    context.after(async () => {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    });
    await until(() => accepts(port));
    const answer = ["-s", "-H", `Host: ${host}`, `http://127.0.0.1:${port}/through?a=b`];
    const { stdout } = await run("curl", answer);
    assert.match(stdout, /"url":"\/through\?a=b"/);
    assert.equal(upstream.requests[0]?.header("x-forwarded-for"), "203.0.113.9");
  },
);

/** Runs in the page: what the origin saw, and over which protocol (ALPN) the page got it. */
const fetchOnPage = `(async () => {
  const { url } = await (await fetch("/fetched")).json();
  const entries = performance.getEntriesByType("resource");
  return url + " " + entries.find(({ name }) => name.endsWith("/fetched")).nextHopProtocol;
})()`;

/** Runs in the page: what a WebSocket answers. */
const echoOnPage = (url: string) => `new Promise((resolve, reject) => {
  const socket = new WebSocket("${url}");
  socket.onopen = () => socket.send("hello");
  socket.onmessage = ({ data }) => resolve(data);
  socket.onerror = () => reject(new Error("the WebSocket failed"));
})`;

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
