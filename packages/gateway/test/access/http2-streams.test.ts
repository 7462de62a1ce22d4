// Many requests at once over few connections, through the whole gateway: no answer is mixed up with
// another, and what an origin says twice reaches the client twice.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { test } from "node:test";
import { http2Request } from "../../../../test/support/http2-request.ts";
import { host, scene } from "./forward-fixture.ts";

const connections = 10;
const streamsEach = 100;

/** A number that no other request of this test has, and an answer that is made of it. */
const textOf = (number: number) => `answer ${number};`.repeat(1 + (number % 50));

async function ask(session: ClientHttp2Session, number: number): Promise<string> {
  const stream = session.request({ ":path": `/${number}`, ":authority": host });
  stream.end();
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  assert.equal(headers["x-number"], String(number));
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

test("a thousand requests at once on ten connections have each its own answer", async (context) => {
  const { gateway, upstream } = await scene(context);
  upstream.answerWith((request, response) => {
    const number = Number(request.url?.slice(1));
    response.writeHead(200, { "X-Number": number });
    // Answers overtake each other, and most come in pieces.
    setTimeout(() => {
      const text = textOf(number);
      response.write(text.slice(0, 5));
      setImmediate(() => response.end(text.slice(5)));
    }, number % 7);
  });
  const sessions = Array.from({ length: connections }, () => connect(gateway.address));
  context.after(() => {
    for (const session of sessions) session.destroy();
  });
  const numbers = Array.from({ length: connections * streamsEach }, (_, number) => number);
  const answers = await Promise.all(
    numbers.map((number) => ask(sessions[number % connections] as ClientHttp2Session, number)),
  );
  numbers.forEach((number) => {
    assert.equal(answers[number], textOf(number));
  });
  assert.equal(upstream.requests.length, numbers.length);
});

test("what an origin says twice reaches a client of HTTP/2 twice", async (context) => {
  const { gateway, upstream } = await scene(context);
  upstream.answerWith((_request, response) => {
    response.writeHead(200, ["Content-Type", "text/a", "Content-Type", "text/b", "Vary", "Cookie"]);
    response.end("here");
  });
  const asked = http2Request({ host: "127.0.0.1", port: gateway.port, headers: { Host: host } });
  asked.end();
  const [response] = await once(asked, "response");
  response.resume();
  assert.equal(response.rawHeaders.join().match(/content-type/g)?.length, 2);
});
