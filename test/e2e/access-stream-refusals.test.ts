// What `postern access tcp`, `ssh`, `rdp` and `smb` say where no stream opens, with which exit
// status, and that a program's credential never leads to a browser. Nobody has connected to the
// service then.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { Finished } from "../../packages/cli/test/support/terminal.ts";
import {
  application,
  everybody,
  machines,
  only,
  open,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { freePort } from "../support/free-port.ts";
import { needs } from "../support/requirements.ts";
import { startDeafService, startTcpService } from "../support/tcp-service.ts";
import { type SceneOptions, streamScene } from "./access-stream-fixture.ts";

const commands = ["tcp", "ssh", "rdp", "smb"];

async function scene(context: TestContext, options: SceneOptions = {}) {
  const service = await startTcpService(context);
  const all = await streamScene(context, `tcp://${service.address}`, options);
  return { ...all, service };
}

function assertRefused({ status, stdout, stderr }: Finished, expected: number, says: RegExp): void {
  assert.deepEqual([status, stdout], [expected, ""], stderr);
  const lines = stderr.trim().split("\n");
  const own = lines.filter((line) => line.startsWith("postern: "));
  assert.equal(own.length, 1, stderr);
  assert.match(own[0] ?? "", says);
}

test("without a session and without a terminal nobody is asked, and it is status 3", async (context) => {
  const { person, host, service } = await scene(context, { isSignedIn: false });
  for (const command of commands) {
    const answer = await person.run(["access", command, "--hostname", host]);
    assertRefused(answer, 3, /not signed in to \S+; sign in with: postern access login/);
    const listener = await person.run(["access", command, "--hostname", host, "--url", "0"]);
    assertRefused(listener, 3, /not signed in to/);
  }
  assert.equal(service.sockets.length, 0);
});

test("whom policy does not let in is told so, and it is status 4", async (context) => {
  const applications = [application("db", [only("bob@example.com")])];
  const { person, host, service } = await scene(context, { applications });
  const answer = await person.run(["access", "tcp", "--hostname", host]);
  assertRefused(answer, 4, /(?:you|ada@example\.com) may not reach http/);
  assert.equal(service.sockets.length, 0);
});

test("an application that is open to everybody asks nobody", async (context) => {
  const applications = [application("db", [open])];
  const { person, host } = await scene(context, { applications, isSignedIn: false });
  const answer = await person.run(["access", "tcp", "--hostname", host], {}, "hello");
  assert.deepEqual([answer.status, answer.stdout], [0, "hello"], answer.stderr);
});

test("what is not there, or not behind Access, is status 5", async (context) => {
  const { person } = await scene(context);
  const web = createServer((_, response) => void response.end("a page"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  context.after(() => web.close());
  const { port } = web.address() as AddressInfo;
  const elsewhere = `localhost:${await freePort()}`;
  for (const flags of [[], ["--url", "0"]]) {
    const nobody = await person.run(["access", "tcp", elsewhere, ...flags]);
    assertRefused(nobody, 5, /nothing answers at http:\/\/localhost:\d+/);
    const plain = await person.run(["access", "tcp", `localhost:${port}`, ...flags]);
    assertRefused(plain, 5, /not behind/);
  }
});

test("a service that is down is told as that, and it is status 5", async (context) => {
  const refusing = `tcp://127.0.0.1:${await freePort()}`;
  const deaf = `tcp://${(await startDeafService(context)).address}`;
  for (const [address, status] of [
    [refusing, 502],
    [deaf, 504],
  ] as const) {
    const { person, host } = await streamScene(context, address, {
      sections: { ingress: [{ service: address, originRequest: { connectTimeout: "1s" } }] },
    });
    const answer = await person.run(["access", "tcp", "--hostname", host]);
    assertRefused(answer, 5, /the service behind http:\/\/db\S+ is down/);
    assert.match(answer.stderr, new RegExp(`status ${status}`));
  }
});

test("an application with pages is no service, and says so", async (context) => {
  const { person, host } = await scene(context, {
    sections: { ingress: [{ service: "http_status:404" }] },
  });
  const answer = await person.run(["access", "tcp", "--hostname", host]);
  assertRefused(answer, 1, /opens no stream \(status 404: The gateway has no service/);
});

test("a bastion leads where its list says, and says why nowhere else", async (context) => {
  const service = await startTcpService(context);
  const bastionDestinations = [`localhost:${service.port}`];
  const { person, host } = await streamScene(context, "bastion", {
    sections: { ingress: [{ service: "bastion", originRequest: { bastionDestinations } }] },
  });
  const run = (...flags: string[]) =>
    person.run(["access", "ssh", "--hostname", host, ...flags], {}, "hello");
  assertRefused(await run(), 1, /status 400: .*--destination/);
  assertRefused(
    await run("--destination", "localhost:1"),
    4,
    /may not be used for this destination/,
  );
  assert.equal(service.sockets.length, 0);
  const flag = await run("--destination", `localhost:${service.port}`);
  assert.deepEqual([flag.status, flag.stdout], [0, "hello"], flag.stderr);
  const named = await person.run(
    ["access", "ssh"],
    {
      TUNNEL_SERVICE_HOSTNAME: host,
      TUNNEL_SERVICE_DESTINATION: `localhost:${service.port}`,
    },
    "hello",
  );
  assert.deepEqual([named.status, named.stdout], [0, "hello"], named.stderr);
});

test("wrong usage is one line and status 2, and nothing is asked of anybody", async (context) => {
  const { person, host, service } = await scene(context);
  for (const [flags, says] of [
    [[], /needs the host of the application/],
    [[host, "other"], /takes one host/],
    [[host, "--hostname", host], /takes one host/],
    [["--hostname", ""], /is not a URL/],
    [["--hostname", host, "--url", "db.example.com:1"], /is not an address to listen on/],
    [["--hostname", host, "--url", "localhost"], /is not an address to listen on/],
    [["--hostname", host, "--url", "localhost:99999"], /is not an address to listen on/],
    [["--hostname", host, "--url", "unix:"], /is not an address to listen on/],
    [["--hostname", host, "--header", "no header"], /takes one header line/],
    [["--hostname", host, "--header", "X: a\r\nY: b"], /takes one header line/],
    [["--hostname", host, "--header", "Host: other"], /set by the connection itself/],
    [["--hostname", host, "-H", "CF-Access-Client-Secret: s"], /--service-token-secret-file/],
    [["--hostname", host, "--destination", "a b"], /is no host and port/],
    [["--hostname", host, "--loglevel", "loud"], /--loglevel loud is unknown/],
    [["--hostname", host, "--logfile", "/no/such/folder/log"], /cannot be written \(ENOENT\)/],
  ] as const)
    assertRefused(await person.run(["access", "tcp", ...flags]), 2, says);
  assert.equal(service.sockets.length, 0);
});

const robot = { id: "robot.access", secret: "the-robots-long-secret" };
const sections = {
  service_tokens: [{ name: "robot", client_id: robot.id, client_secret: robot.secret }],
};
const forRobots = { sections, applications: [application("db", [everybody, machines])] };

for (const command of commands) {
  test(
    `access ${command} uses a service token that is given, and a wrong one never leads to a browser`,
    needs("script"),
    async (context) => {
      const { person, host, service } = await scene(context, { ...forRobots, isSignedIn: false });
      const args = ["access", command, "--hostname", host];
      const byName = {
        TUNNEL_SERVICE_TOKEN_ID: robot.id,
        TUNNEL_SERVICE_TOKEN_SECRET: robot.secret,
      };

      // 1. By flags and by the environment, whoever else is signed in.
      for (const [flags, environment] of [
        [["--service-token-id", robot.id, "--service-token-secret", robot.secret], {}],
        [["--id", robot.id, "--secret", robot.secret], {}],
        [[], byName],
      ] as const) {
        const answer = await person.run([...args, ...flags], environment, "hello");
        assert.deepEqual([answer.status, answer.stdout], [0, "hello"], answer.stderr);
      }
      assert.equal(service.sockets.length, 3);

      // 2. A wrong one, also on a terminal, where a person could be asked.
      const wrong = { ...byName, TUNNEL_SERVICE_TOKEN_SECRET: "wrong" };
      const half = { TUNNEL_SERVICE_TOKEN_ID: robot.id };
      assertRefused(
        await person.run(args, wrong),
        3,
        /refuses the service token robot\.access \(.*\); check its ID/,
      );
      assertRefused(await person.run(args, half), 2, /has no secret/);
      const onTerminal = await person.runOnTerminal(args, wrong);
      assert.equal(onTerminal.status, 3, onTerminal.stdout);
      assert.deepEqual(person.opened(), []);
      assert.equal(service.sockets.length, 3);
    },
  );
}

test("a service token that policy does not let in is status 4, and no browser opens", async (context) => {
  const { person, host, service } = await scene(context, { sections });
  const flags = ["--service-token-id", robot.id, "--service-token-secret", robot.secret];
  const answer = await person.run(["access", "tcp", "--hostname", host, ...flags]);
  assertRefused(answer, 4, /policy does not let the service token robot\.access reach/);
  assert.deepEqual(person.opened(), []);
  assert.equal(service.sockets.length, 0);
});
