// An event stream that is open for longer than any request takes, as curl reads it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { simpleSections, startGateway } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const minute = 60_000;
const hour = 60 * minute;
/** What curl ends with when an answer, or a stream of HTTP/2, breaks off. */
const brokenOff = [18, 92];

for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
  test(
    `an event stream goes on for an hour, and ends when the session has expired (curl ${version})`,
    needs("curl"),
    async (context) => {
      const source = await startSource(context);
      const gateway = await startGateway({ sections: simpleSections(source.address) });
      context.after(() => gateway.close());
      const { parts, clock } = gateway;
      const session = await parts.sessions.start({
        kind: "terminal",
        identity,
        userAgent: "test",
        lifetimeMs: 2 * hour,
      });
      const [application] = parts.catalogs.current().applications;
      assert.ok(application !== undefined);
      const token = await parts.tokens.issueApp(session, application, 2 * hour);
      const url = `http://app.localhost:${gateway.port}/events`;
      const curl = startCurl(context, [version, url], token);
      await until(() => source.subscribers.size === 1);

      for (let minutes = 1; minutes <= 60; minutes++) {
        clock.ahead = minutes * minute;
        source.publish(minutes);
        await until(() => curl.output().endsWith(`data: ${minutes}\n\n`));
      }
      assert.equal(curl.output().split("\n\n").length - 1, 60);

      clock.ahead = 2 * hour + 1_000;
      const status = await curl.ended;
      assert.ok(brokenOff.includes(status), `curl ended with ${status}`);
      await until(() => source.subscribers.size === 0);
      const ended = gateway.events.find(({ event }) => event === "stream_ended");
      assert.ok(ended?.event === "stream_ended");
      assert.equal(ended.reason, "expired");
    },
  );
}

const identity = {
  email: "ada@example.com",
  name: "Ada",
  idp: { id: "pin", type: "onetimepin" },
  groups: [],
  oidc_fields: {},
  amr: [],
  ip: "127.0.0.1",
  country: "",
  iat: Math.floor(Date.now() / 1000),
};

interface Source {
  address: string;
  subscribers: ReadonlySet<ServerResponse>;
  publish(number: number): void;
}

async function startSource(context: TestContext): Promise<Source> {
  const subscribers = new Set<ServerResponse>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    subscribers.add(response);
    response.once("close", () => subscribers.delete(response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    subscribers,
    publish(number) {
      for (const response of subscribers) response.write(`data: ${number}\n\n`);
    },
  };
}

/** curl as people run it against a stream, with the token on its standard input: not in argv. */
function startCurl(context: TestContext, args: string[], token: string) {
  const child = spawn("curl", ["-sN", "-H", "@-", ...args], { stdio: ["pipe", "pipe", "inherit"] });
  context.after(() => void child.kill());
  child.stdin.end(`cf-access-token: ${token}\n`);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = once(child, "close").then(([status]) => status as number);
  return { output: () => output, ended };
}
