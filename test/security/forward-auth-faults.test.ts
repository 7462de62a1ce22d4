// nginx, HAProxy and Caddy that ask a gateway which has changed its mind, wants a proof of
// possession, is slow or gone: nobody gets to an application whom it does not let in then.
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { holder } from "../../packages/gateway/test/login/possession-fixture.ts";
import { ada, forEachProxy, startScene } from "../conformance/forward-auth-fixture.ts";
import { rawExchange, rawRequest } from "../support/raw-request.ts";
import { signIn } from "../support/sign-in.ts";
import { until } from "../support/until.ts";

forEachProxy(
  "who is signed out, or may no more, gets nowhere with the next request",
  async (context, name) => {
    const scene = await startScene(context, name);
    const { parts } = scene.gateway;
    const application = parts.catalogs
      .current()
      .applicationByAud.get(scene.gateway.aud("app.localhost"));
    assert.ok(application !== undefined);
    const { session } = await signIn(scene.gateway, ada);
    const token = await parts.tokens.issueApp(session, application, 36e5);
    const lines = [scene.host, `Cookie: CF_Authorization=${token}`];
    const ask = () => rawRequest(scene.port, "GET /x HTTP/1.1", lines);
    assert.equal((await ask()).status, 200);
    assert.equal(scene.upstream.requests.splice(0).length, 1);

    // The second request is on the way when the session ends; the third one comes behind that.
    const head = `GET /kept HTTP/1.1\r\n${lines.join("\r\n")}\r\n`;
    assert.equal(
      (await rawExchange(scene.port, `${head}\r\n${head}Connection: close\r\n\r\n`)).status,
      200,
    );
    assert.equal(scene.upstream.requests.splice(0).length, 2);
    await parts.sessions.end(session.id);
    const { raw } = await rawExchange(scene.port, `${head}\r\n${head}Connection: close\r\n\r\n`);
    assert.deepEqual(
      [...raw.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status),
      ["401", "401"],
    );
    assert.ok(scene.sawNothing());
  },
);

forEachProxy(
  "a token that is bound to a key passes with a proof for this very request, once",
  async (context, name) => {
    const scene = await startScene(context, name);
    const { parts } = scene.gateway;
    const application = parts.catalogs
      .current()
      .applicationByAud.get(scene.gateway.aud("app.localhost/proven"));
    assert.ok(application !== undefined);
    const [owner, thief] = [await holder(), await holder()];
    const session = await parts.sessions.start({
      kind: "terminal",
      identity: identityOf(ada),
      userAgent: "test",
      lifetimeMs: 36e5,
      jkt: owner.jkt,
    });
    const token = await parts.tokens.issueApp(session, application, 36e5);
    const url = `${scene.app}/proven/x`;
    const ask = (proof: string | undefined, line = "GET /proven/x HTTP/1.1") => {
      const proofs = proof === undefined ? [] : [`cf-access-dpop: ${proof}`];
      return rawRequest(scene.port, line, [scene.host, `cf-access-token: ${token}`, ...proofs]);
    };
    const wrong = [
      undefined,
      await thief.proof("GET", url, token),
      await owner.proof("POST", url, token),
      await owner.proof("GET", `${url}y`, token),
      await owner.proof("GET", url, `${token}x`),
      await owner.proof("GET", url.replace("app.", "bob."), token),
    ];
    for (const proof of wrong) assert.equal((await ask(proof)).status, 401);
    assert.ok(scene.sawNothing());

    const right = await owner.proof("GET", url, token);
    assert.equal((await ask(right)).status, 200);
    const [seen] = scene.upstream.requests.splice(0);
    assert.equal(seen?.header("cf-access-dpop"), undefined);
    assert.equal(seen?.header("cf-access-token"), undefined);
    assert.equal((await ask(right)).status, 401);
    assert.equal((await ask(right, "DELETE /proven/x HTTP/1.1")).status, 401);
    assert.ok(scene.sawNothing());
  },
);

/** In the gateway's place, on its port. */
async function standIn(
  context: TestContext,
  port: number,
  speak: (socket: Socket) => void,
): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => speak(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return sockets;
}

forEachProxy("a gateway that is gone lets nobody in", async (context, name) => {
  const scene = await startScene(context, name);
  const lines = [scene.host, await scene.cookie()];
  await scene.gateway.close();
  for (const target of ["/x", "/public/x", "/admin/x", "/%78"]) {
    const { status } = await rawRequest(scene.port, `GET ${target} HTTP/1.1`, lines);
    assert.ok(status >= 500, `${target}: ${status}`);
  }
  assert.ok(scene.sawNothing());
});

forEachProxy(
  "a gateway that is silent, or breaks off in the middle of its answer, lets nobody in",
  async (context, name) => {
    const scene = await startScene(context, name);
    const lines = [scene.host, await scene.cookie()];
    await scene.gateway.close();
    const answers = [
      "",
      "HTTP/1.1 2",
      "HTTP/1.1 200 OK\r\nX-Postern-Decision: allow\r\n",
      "nonsense\r\n\r\n",
    ];
    let turn = 0;
    const sockets = await standIn(context, scene.decisions, (socket) => {
      const answer = answers[turn++ % answers.length] ?? "";
      // It says nothing more for now; the proxy waits.
      socket.write(answer);
    });
    for (let round = 0; round < answers.length; round++) {
      const before = sockets.length;
      const asked = rawRequest(scene.port, "GET /x HTTP/1.1", lines);
      await until(() => sockets.length > before && turn > round);
      assert.ok(scene.sawNothing(), "while the gateway is silent");
      for (const socket of sockets) socket.destroy();
      const { status } = await asked;
      assert.ok(status === 0 || status >= 400, `${answers[round]}: ${status}`);
      assert.ok(scene.sawNothing());
    }
  },
);
