// The proxies of docs/proxies.md that can be run, with the configurations that stand there: the
// client's address and scheme arrive, what a client forges does not, and paths go on untouched.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { freePort, simpleSections, startGateway } from "../support/gateway.ts";
import { type ProxyProgram, pathOf, proxyPrograms, startProxy } from "../support/proxy-process.ts";
import { leaveOut } from "../support/requirements.ts";
import { signIn } from "../support/sign-in.ts";
import { certificateFor } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";

/** Their programs are named as their blocks in the document are marked. */
const proxies = Object.values(proxyPrograms);

const document = readFileSync(new URL("../../docs/proxies.md", import.meta.url), "utf8");

/** Starts a proxy as the document says, in front of a gateway. @returns its port */
async function startDocumented(
  context: TestContext,
  proxy: ProxyProgram,
  gateway: number,
): Promise<number> {
  const port = await freePort();
  const certificate = certificateFor(context, ["app.localhost", "login.localhost"]);
  const both = `${certificate.cert_file}.both`;
  writeFileSync(
    both,
    readFileSync(certificate.cert_file, "utf8") + readFileSync(certificate.key_file, "utf8"),
  );
  const block = new RegExp(`^\`\`\`${proxy.name}\n(.*?)^\`\`\``, "ms").exec(document)?.[1];
  assert.ok(block !== undefined, proxy.name);
  const text = block
    .replaceAll("example.com.both.pem", "BOTH")
    .replaceAll("/etc/ssl/BOTH", both)
    .replaceAll("/etc/ssl/example.com.pem", certificate.cert_file)
    .replaceAll("/etc/ssl/example.com.key", certificate.key_file)
    .replaceAll(".example.com", ".localhost")
    .replace(/(listen |bind :)443/, (_match, before: string) => `${before}${port}`)
    .replaceAll("127.0.0.1:8600", `127.0.0.1:${gateway}`);
  await startProxy(context, atPort(proxy, port), text, port);
  return port;
}

/** Caddy takes a site without a port for one at this one. */
function atPort(proxy: ProxyProgram, port: number): ProxyProgram {
  if (proxy.name !== "caddy") return proxy;
  return {
    ...proxy,
    wrap: (part, folder) => proxy.wrap(part, folder).replace("{", `{\n  https_port ${port}`),
  };
}

/** Asks as a client of another address than the proxy's. */
function ask(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number | undefined; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      path,
      headers,
      host: "127.0.0.1",
      localAddress: "127.0.0.2",
      servername: "app.localhost",
      rejectUnauthorized: false,
      agent: false,
    };
    const asked = request(options, (answer) => {
      answer.resume();
      const { location } = answer.headers;
      answer.once("end", () => resolve({ status: answer.statusCode, location }));
    });
    asked.once("error", reject);
    asked.end();
  });
}

for (const proxy of proxies) {
  test(
    `behind ${proxy.name} as docs/proxies.md has it, the client's address, scheme and path arrive, and nothing forged`,
    leaveOut(pathOf(proxy.name) === undefined ? proxy.name : undefined),
    async (context) => {
      const upstream = await startUpstream();
      const open = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];
      const application = { type: "self_hosted", domain: "app.localhost", name: "app" };
      const closed = { ...application, name: "closed", domain: "app.localhost/closed" };
      const everybody = [{ name: "all", decision: "allow", include: [{ everyone: {} }] }];
      const gateway = await startGateway({
        sections: {
          ...simpleSections(upstream.origin),
          applications: [
            { ...application, policies: open },
            { ...closed, policies: everybody },
          ],
          trusted_proxies: ["127.0.0.1"],
        },
      });
      context.after(async () => {
        await gateway.close();
        await upstream.close();
      });
      const port = await startDocumented(context, proxy, gateway.port);
      const forged = {
        "X-Forwarded-For": "203.0.113.66",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "admin.localhost",
        "Cf.Access.Authenticated.User.Email": "root@example.com",
      };
      for (const host of ["app.localhost", "app.localhost:443"]) {
        for (const path of ["/x", "/fetch/https://img.example.com/a.png", "/caf%C3%A9?q=%2F&a=b"]) {
          const { status } = await ask(port, path, { Host: host, ...forged });
          assert.equal(status, 200, `${host} ${path}`);
          const [seen] = upstream.requests.splice(0);
          assert.equal(seen?.url, path);
          assert.equal(seen?.header("x-forwarded-for"), "127.0.0.2");
          assert.equal(seen?.header("x-forwarded-proto"), "https");
          assert.equal(seen?.header("x-forwarded-host"), "app.localhost");
          assert.equal(seen?.header("cf.access.authenticated.user.email"), undefined);
        }
      }
      const { status, location = "" } = await ask(port, "/closed/x", { Host: "app.localhost" });
      assert.equal(status, 302);
      assert.match(location, /\/cdn-cgi\/access\/login\/app\.localhost\?/);
      assert.equal(upstream.requests.length, 0);
    },
  );
}

/** An application that echoes what WebSockets send. @returns its address */
async function startEcho(context: TestContext): Promise<string> {
  const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  sockets.on("connection", (socket) =>
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  await once(sockets, "listening");
  context.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  return `http://127.0.0.1:${(sockets.address() as AddressInfo).port}`;
}

for (const proxy of proxies) {
  test(
    `behind ${proxy.name} as docs/proxies.md has it, WebSockets pass, and end with their session`,
    leaveOut(pathOf(proxy.name) === undefined ? proxy.name : undefined),
    async (context) => {
      const gateway = await startGateway({
        sections: { ...simpleSections(await startEcho(context)), trusted_proxies: ["127.0.0.1"] },
      });
      context.after(() => gateway.close());
      const { session, token } = await signIn(gateway);
      const port = await startDocumented(context, proxy, gateway.port);
      const open = (headers: Record<string, string>) =>
        new WebSocket(`wss://127.0.0.1:${port}/chat`, [], {
          headers: { Host: "app.localhost", ...headers },
          ...{ servername: "app.localhost", rejectUnauthorized: false },
        });

      const refused = open({});
      const [, answer] = await once(refused, "unexpected-response");
      assert.equal(answer.statusCode, 401);
      refused.on("error", () => undefined).terminate();

      const socket = open({ "cf-access-token": token });
      await once(socket, "open");
      const echoed = once(socket, "message");
      socket.send("through the proxy");
      assert.equal(String((await echoed)[0]), "through the proxy");
      const closed = once(socket, "close");
      await gateway.parts.sessions.end(session.id);
      await closed;
    },
  );
}
