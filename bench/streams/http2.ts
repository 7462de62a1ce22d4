// 1,000 requests at once on ten connections of HTTP/2, beside nginx. Each asks for a number of its
// own, and its answer must say the same one.
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import type { Stage } from "../stage.ts";
import { compareInTurns, type Work } from "./compare.ts";
import { browserHeaders, startGateway } from "./gateway.ts";
import { startBareNginx } from "./peers.ts";
import type { Finding } from "./report.ts";

const connections = 10;
const streamsEach = 100;
const seconds = 3;
const rounds = 3;
const forward = `proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";`;

/** How many answers said what, over all runs. */
interface Tally {
  right: number;
  mixedUp: number;
}

export async function http2(stage: Stage): Promise<Finding[]> {
  const origin = await startNumbers(stage);
  const gateway = await startGateway(stage, { service: `http://127.0.0.1:${origin}` });
  const nginx = await startBareNginx(stage, origin, forward, "http2");
  const { Host = "", ...others } = browserHeaders(gateway);
  const headers = { ":authority": Host, cookie: others["Cookie"] ?? "" };
  const own = { right: 0, mixedUp: 0 };
  const work = (port: number, tally: Tally) => askMany(port, headers, tally);
  const peers = { right: 0, mixedUp: 0 };
  const contenders = [
    { name: "**Postern**", pid: gateway.pid, run: () => work(gateway.port, own) },
    { name: "nginx", pid: nginx.pid, run: () => work(nginx.port, peers) },
  ];
  const count = connections * streamsEach;
  return [
    {
      kind: "comparison",
      title: `HTTP/2, ${count} streams on ${connections} connections`,
      unit: { name: "requests", cost: "μs" },
      results: await compareInTurns(contenders, rounds),
    },
    {
      kind: "statement",
      text: `HTTP/2: of ${own.right + own.mixedUp} answers ${own.mixedUp} were for another request`,
      holds: own.mixedUp === 0,
    },
  ];
}

async function askMany(port: number, headers: Record<string, string>, tally: Tally): Promise<Work> {
  const sessions = Array.from({ length: connections }, () => connect(`http://127.0.0.1:${port}`));
  await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
  const delays: number[] = [];
  const begin = performance.now();
  const end = begin + seconds * 1_000;
  let number = 0;
  const drive = async (session: ClientHttp2Session) => {
    for (let sentAt = performance.now(); sentAt < end; sentAt = performance.now()) {
      const own = String(number++);
      const answer = await ask(session, { ...headers, ":path": `/${own}` });
      delays.push(performance.now() - sentAt);
      if (answer === own) tally.right++;
      else tally.mixedUp++;
    }
  };
  await Promise.all(
    sessions.flatMap((session) => Array.from({ length: streamsEach }, () => drive(session))),
  );
  const duration = (performance.now() - begin) / 1_000;
  for (const session of sessions) session.close();
  return { units: delays.length, seconds: duration, delays };
}

/** @returns the answer's body */
function ask(session: ClientHttp2Session, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    let status = 0;
    let body = "";
    stream.setEncoding("latin1");
    stream.once("response", (head) => {
      status = Number(head[":status"]);
    });
    stream.on("data", (text: string) => {
      body += text;
    });
    stream.once("error", reject);
    stream.once("close", () => {
      if (status === 200) resolve(body);
      else reject(new Error(`an answer over HTTP/2 is ${status}: ${body}`));
    });
  });
}

/** @returns the port of an origin of HTTP/1.1 that answers each path with itself */
async function startNumbers(stage: Stage): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    let rest = "";
    socket.on("data", (chunk) => {
      const heads = (rest + chunk.toString("latin1")).split("\r\n\r\n");
      rest = heads.pop() ?? "";
      if (heads.length > 0) socket.write(heads.map(answerTo).join(""), "latin1");
    });
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  stage.onEnd(() => server.close());
  return (server.address() as AddressInfo).port;
}

function answerTo(head: string): string {
  const number = head.slice(head.indexOf("/") + 1, head.indexOf(" HTTP/"));
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${number.length}\r\n\r\n${number}`;
}
