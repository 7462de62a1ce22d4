// Grants where several processes serve: two workers of one gateway, and two gateways on one store.
// A count is taken once whoever is asked, and the end of a grant is known to all.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Agent, request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import {
  decodeToken,
  encodeTransferKey,
  generateTransferKeyPair,
  openTokens,
} from "@postern/protocol";
import { startGrant } from "../../packages/gateway/src/tokens/start-grant.ts";
import { temporaryHome } from "../support/cli.ts";
import { freePort, simpleSections, startGateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw-request.ts";
import { signIn } from "../support/sign-in.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import { appHost, loginHost, startWorkers, type Workers } from "./workers-fixture.ts";

const requests = 40;
const count = 15;

test("of many requests at two gateways on one store, as many reach the origin as the grant's count, and its end is known to both", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const port = await freePort();
  const sections = {
    ...simpleSections(upstream.origin),
    auth_domain: `login.localhost:${port}`,
    public_ports: [port],
  };
  const store = join(temporaryHome(context), "postern.db");
  const secretKey = randomBytes(32);
  const start = async () => {
    const gateway = await startGateway({ sections, secretKey, store });
    context.after(() => gateway.close());
    return gateway;
  };
  const [one, two] = [await start(), await start()];
  const { session: parent } = await signIn(one);
  const [application] = one.parts.catalogs.current().applications;
  assert.ok(application !== undefined);
  const host = `app.localhost:${port}`;
  const grantWith = (limit: object) =>
    startGrant(
      { ...one.parts, randomBytes },
      {
        application,
        htu: `http://${host}/`,
        scope: limit,
        label: undefined,
        lifetimeMs: 3_600_000,
        parent,
        userAgent: "test",
      },
    );
  const ask = async (gateway: { port: number }, token: string) => {
    const lines = [`Host: ${host}`, `cf-access-token: ${token}`];
    return (await rawRequest(gateway.port, "GET / HTTP/1.1", lines)).status;
  };

  const counted = await grantWith({ count });
  const statuses = await Promise.all(
    Array.from({ length: requests }, (_, index) => ask(index % 2 === 0 ? one : two, counted.token)),
  );
  assert.equal(statuses.filter((status) => status === 200).length, count);
  assert.equal(statuses.filter((status) => status === 403).length, requests - count);
  assert.equal(upstream.requests.length, count);

  const lent = await grantWith({});
  for (const gateway of [one, two]) assert.equal(await ask(gateway, lent.token), 200);
  await one.parts.sessions.end(lent.session.id);
  assert.equal(await ask(one, lent.token), 401, "where it was ended, at once");
  await until(async () => (await ask(two, lent.token)) === 401);
  upstream.reset();
  for (const gateway of [one, two]) assert.equal(await ask(gateway, lent.token), 401);
  assert.equal(upstream.requests.length, 0);
});

test("a grant that is approved at one worker counts and ends at both", async (context) => {
  const workers = await startWorkers(context);
  const { lanes, upstream } = workers;
  const { token, id, own } = await lendAt(workers);
  upstream.reset();
  const headers = { "cf-access-token": token };
  const answers = await Promise.all(
    Array.from({ length: requests }, (_, index) =>
      lanes[index % 2 === 0 ? 0 : 1].ask("/", appHost, headers),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, count);
  assert.equal(upstream.requests.length, count);

  const path = `/cdn-cgi/access/grants/${id}`;
  const end = await lanes[0].ask(path, appHost, { "cf-access-token": own }, "DELETE");
  assert.equal(end.status, 204);
  const other = lanes[1];
  await until(async () => (await other.ask("/", appHost, headers)).status === 401);
  assert.equal(upstream.requests.length, count);
});

/** A person approves a grant; each step is at another worker than the one before. */
async function lendAt({ lanes: [here], laneTo, signIn: enter, url }: Workers) {
  const person = await enter();
  const own = person.cookiesOf(appHost).get("CF_Authorization") ?? "";
  // A poll that is held keeps its connection to itself.
  const there = await laneTo(2);
  const pair = generateTransferKeyPair();
  const mailbox = `/transfer/${encodeTransferKey(pair.publicKey)}`;
  const aud = String(([] as unknown[]).concat(decodeToken(own).claims["aud"])[0]);
  const opening = { aud, redirect_url: `${url(appHost)}/`, grant: { ttl: 600, count } };
  const opened = await post(here.agent, new URL(mailbox, url(loginHost)), JSON.stringify(opening));
  assert.equal(opened, 201);
  const poll = there.ask(mailbox, loginHost);
  const key = Buffer.from(pair.publicKey).toString("base64url");
  // Approving is offered once the poll is held, which the other worker is told of.
  await until(async () => {
    await person.open(`${url(appHost)}/cdn-cgi/access/cli/${key}`);
    return person.page.text.includes("Lend a part of your access?");
  });
  await person.press("Approve");
  const box = await poll;
  const sender = Buffer.from(String(box.headers["service-public-key"]), "base64url");
  const { app_token: token } = openTokens(box.text, pair, sender);
  return { token, id: String(decodeToken(token).claims["jti"]), own };
}

/** @returns the status of the answer */
function post(agent: Agent, { port, host, pathname }: URL, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host, "content-length": Buffer.byteLength(body) };
    const options = { host: "127.0.0.1", port, path: pathname, method: "POST", agent, headers };
    request(options, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end(body);
  });
}
