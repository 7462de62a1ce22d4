// `access http` at a whole gateway: tools use an application as if it were on this machine, over
// HTTP/1.1 and over HTTP/2 to the gateway alike.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { test } from "node:test";
import { WebSocket } from "ws";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { chunked, held } from "../support/upstream.ts";
import { ask, type LocalScene, localScene, textOf, toolOptions } from "./local-proxy-fixture.ts";

const ways = [
  { name: "HTTP/1.1", secure: false },
  { name: "HTTP/2", secure: true },
];

for (const { name, secure } of ways) {
  const options = secure ? needs("openssl") : {};

  test(
    `a tool asks the application, its token added on the way (${name})`,
    options,
    async (context) => {
      const scene = await localScene(context, { secure });
      const { upstream, app, token } = scene;
      const answer = await ask(scene, "/v1/orders?open=1&x=%2F", {
        headers: { Authorization: "Bearer of the API", Cookie: "theme=dark", "X-Own": "1" },
      });
      assert.equal(answer.status, 200, answer.body);
      const [seen] = upstream.requests;
      assert.equal(seen?.requestLine, "GET /v1/orders?open=1&x=%2F HTTP/1.1");
      assert.equal(seen?.header("host"), app.host);
      assert.equal(seen?.header("authorization"), "Bearer of the API");
      assert.equal(seen?.header("cookie"), "theme=dark");
      assert.equal(seen?.header("x-own"), "1");
      assert.match(seen?.header("cf-access-jwt-assertion") ?? "", /^eyJ/);
      assert.ok(!JSON.stringify(answer).includes(token));
    },
  );

  test(`bodies of every kind arrive as they were sent (${name})`, options, async (context) => {
    const scene = await localScene(context, { secure });
    const big = Buffer.alloc(3_000_000, "0123456789abcdef");
    for (const body of ["", "x", big]) {
      for (const headers of [
        { "Content-Length": String(body.length) },
        { "Transfer-Encoding": "chunked" },
      ]) {
        for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
          const answer = await ask(scene, "/upload", { method, headers }, body);
          assert.equal(answer.status, 200, `${method} ${JSON.stringify(headers)} ${body.length}`);
          const seen = JSON.parse(answer.body) as { method: string; body_bytes: number };
          assert.deepEqual([seen.method, seen.body_bytes], [method, body.length]);
        }
      }
    }
  });

  test(
    `HEAD, 204, 304 and errors of the application come through as they are (${name})`,
    options,
    async (context) => {
      const scene = await localScene(context, { secure });
      const { upstream } = scene;
      upstream.answerWith((request, response) => {
        const status = Number(request.url?.slice(1));
        response.writeHead(status, { ETag: '"1"', "X-Two": ["a", "b"] });
        response.end(status === 204 || status === 304 ? undefined : "words");
      });
      for (const status of [200, 201, 204, 206, 301, 304, 400, 401, 403, 404, 409, 429, 500, 503]) {
        const answer = await ask(scene, `/${status}`);
        assert.equal(answer.status, status);
        assert.equal(answer.headers.etag, '"1"');
        assert.equal(answer.headers["x-two"], "a, b");
        const hasBody = status !== 204 && status !== 304;
        assert.equal(answer.body, hasBody ? "words" : "");
        const head = await ask(scene, `/${status}`, { method: "HEAD" });
        assert.deepEqual([head.status, head.body], [status, ""]);
      }
    },
  );

  test(`trailers go both ways (${name})`, options, async (context) => {
    const scene = await localScene(context, { secure });
    const { upstream } = scene;
    const trailers = { "X-Sum": "answer", "Cf-Access-Other": "ours" };
    upstream.answerWith((...exchange) => {
      void exchange[2].ended.then(() => chunked(["some"], trailers)(...exchange));
    });
    const request = httpRequest({
      ...toolOptions(scene),
      method: "POST",
      path: "/",
      headers: { ...(toolOptions(scene).headers as object), Trailer: "X-Sum", TE: "trailers" },
    });
    request.write("body");
    request.addTrailers({ "X-Sum": "request", "Cf-Access-Token": "smuggled" });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    assert.equal(await textOf(response), "some");
    const [seen] = upstream.requests;
    await seen?.ended;
    assert.equal(seen?.trailers["x-sum"], "request");
    assert.equal(seen?.trailers["cf-access-token"], undefined);
    assert.deepEqual({ ...response.trailers }, { "x-sum": "answer" });
  });

  test(
    `a body is sent when the application asks for it, and its refusal spares it (${name})`,
    options,
    async (context) => {
      const scene = await localScene(context, { secure });
      const { upstream } = scene;
      const expect = { Expect: "100-continue", "Content-Length": "4" };
      const request = httpRequest({
        ...toolOptions(scene),
        method: "PUT",
        path: "/",
        headers: { ...(toolOptions(scene).headers as object), ...expect },
      });
      request.flushHeaders();
      await once(request, "continue");
      request.end("body");
      const [response] = (await once(request, "response")) as [IncomingMessage];
      assert.equal((JSON.parse(await textOf(response)) as { body_bytes: number }).body_bytes, 4);

      // An origin that says no has not asked for the body.
      await scene.endSession();
      const second = httpRequest({
        ...toolOptions(scene),
        method: "PUT",
        path: "/",
        headers: { ...(toolOptions(scene).headers as object), ...expect },
      });
      second.flushHeaders();
      second.on("continue", () => assert.fail("nobody asked for the body"));
      const [refusal] = (await once(second, "response")) as [IncomingMessage];
      assert.equal(refusal.statusCode, 401);
      second.destroy();
      assert.equal(upstream.requests.length, 1);
    },
  );

  test(
    `events arrive one by one, and a tool that goes away ends them at the application (${name})`,
    options,
    async (context) => {
      const scene = await localScene(context, { secure });
      const { upstream } = scene;
      let send = (_: string) => {};
      let isEnded = false;
      upstream.answerWith((_, response) => {
        response.once("close", () => {
          isEnded = true;
        });
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.flushHeaders();
        send = (text) => void response.write(text);
      });
      const request = httpRequest({ ...toolOptions(scene), path: "/events" }).end();
      request.on("error", () => {});
      const [response] = (await once(request, "response")) as [IncomingMessage];
      for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
        send(event);
        const [chunk] = (await once(response, "data")) as [Buffer];
        assert.equal(chunk.toString(), event);
      }
      request.destroy();
      await until(() => isEnded);
    },
  );

  test(
    `a tool that does not read brakes the application, and one whose gateway is slow brakes the tool (${name})`,
    options,
    async (context) => {
      const scene = await localScene(context, { secure });
      const { upstream } = scene;
      let written = 0;
      const chunk = Buffer.alloc(65_536);
      upstream.answerWith((_, response) => {
        const more = () => {
          do written += chunk.length;
          while (written < 1e9 && response.write(chunk));
        };
        response.on("drain", more);
        more();
      });
      const request = httpRequest({ ...toolOptions(scene), path: "/" }).end();
      request.on("error", () => {});
      const [response] = (await once(request, "response")) as [IncomingMessage];
      response.pause();
      await standstill(() => written);
      assert.ok(written < 200e6, `${written} bytes were taken for a tool that reads none`);
      response.resume();
      const before = written;
      await until(() => written > before + 10e6);
      request.destroy();

      upstream.answerWith((incoming) => incoming.pause());
      const upload = httpRequest({ ...toolOptions(scene), method: "POST", path: "/" });
      upload.on("error", () => {});
      let taken = 0;
      const feed = () => {
        do taken += chunk.length;
        while (taken < 1e9 && upload.write(chunk));
      };
      upload.on("drain", feed);
      feed();
      await standstill(() => taken);
      assert.ok(taken < 200e6, `${taken} bytes were taken for an application that reads none`);
      upload.destroy();
    },
  );

  test(
    `a WebSocket carries messages both ways, and its end (${name})`,
    options,
    async (context) => {
      const scene = await webSocketScene(context, secure);
      const socket = new WebSocket(`ws://127.0.0.1:${scene.port}/chat?room=1`, ["chat"]);
      await once(socket, "open");
      assert.equal(socket.protocol, "chat");
      const big = "x".repeat(1_000_000);
      for (const text of ["hello", big]) {
        socket.send(text);
        const [data] = (await once(socket, "message")) as [Buffer];
        assert.equal(data.toString(), `echo ${text}`);
      }
      socket.close(1000, "done");
      const [code] = (await once(socket, "close")) as [number];
      assert.equal(code, 1000);
    },
  );
}

/** Waits until a number has stopped growing. */
async function standstill(value: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await until(() => {
    if (value() !== last) since = performance.now();
    last = value();
    return last > 0 && performance.now() - since > 500;
  });
}

async function webSocketScene(context: Parameters<typeof localScene>[0], secure: boolean) {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  context.after(() => server.close());
  server.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(`echo ${String(data)}`));
  });
  const { port } = server.address() as { port: number };
  const { simpleSections } = await import("../support/gateway.ts");
  return localScene(context, {
    secure,
    sections: () => simpleSections(`http://127.0.0.1:${port}`),
  });
}

test(
  "many requests at once share one connection to a gateway that speaks HTTP/2",
  needs("openssl"),
  async (context) => {
    const scene = await localScene(context, { secure: true });
    await ask(scene, "/first");
    const before = scene.dials();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ask(scene, `/${index}`)),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(scene.dials(), before);
  },
);

async function statusOf(scene: LocalScene): Promise<number> {
  return (await ask(scene, "/x")).status;
}

test("a session that ended stops the next request, says why on both sides, and another sign-in goes on", async (context) => {
  const scene = await localScene(context);
  assert.equal(await statusOf(scene), 200);
  await scene.endSession();
  const refused = await ask(scene, "/x");
  assert.equal(refused.status, 401);
  assert.match(
    refused.body,
    /^postern: not signed in to http:\/\/app\.localhost:\d+; sign in with: /,
  );
  assert.match(scene.cli.told.join("\n"), /not signed in to/);
  assert.equal(scene.upstream.requests.length, 1);
  scene.cli.ahead = 5_000;
  await scene.signInAgain();
  assert.equal(await statusOf(scene), 200);
});

test("a request that met the end of a session is sent once more, as long as all of it is still there", async (context) => {
  const scene = await localScene(context);
  for (const [size, status] of [
    [10, 200],
    [60_000, 200],
    [300_000, 401],
  ] as const) {
    assert.equal(await statusOf(scene), 200);
    await scene.endSession();
    await scene.signInAgain();
    const before = scene.upstream.requests.length;
    const answer = await ask(scene, "/orders", { method: "POST" }, Buffer.alloc(size, "x"));
    assert.equal(answer.status, status, answer.body);
    assert.equal(scene.upstream.requests.length, before + (status === 200 ? 1 : 0));
    if (status === 200) assert.match(answer.body, new RegExp(`"body_bytes":${size}`));
    else assert.match(answer.body, /ended while this request was sent; it is renewed, so send/);
  }
});

test("a gateway that is away is one line with 502, and one that comes back goes on", async (context) => {
  const scene = await localScene(context);
  await ask(scene, "/x");
  await scene.gateway.close();
  const answer = await ask(scene, "/x");
  assert.equal(answer.status, 502);
  assert.match(answer.body, /^postern: .*\n$/);
});

test("a proxy that is told to end finishes what is under way, and takes nothing more", async (context) => {
  const scene = await localScene(context);
  const { answer, release } = held();
  scene.upstream.answerWith(answer);
  const underWay = ask(scene, "/slow");
  await scene.upstream.seen(1);
  const drained = scene.proxy.drain();
  await assert.rejects(ask(scene, "/late"), /ECONNREFUSED/);
  release();
  assert.equal((await underWay).status, 200);
  await drained;
  assert.equal(scene.upstream.requests.length, 1);
});
