// A store that is gone in the middle of traffic (case O9), by every way in: who was refused stays
// refused at every moment, and who cannot be checked any more is told so and kept out.
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { forged } from "../../packages/gateway/test/access/access-fixture.ts";
import { leaveOut } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { type Request, waysIn } from "../support/ways-in.ts";
import { type House, openHouseOnFile, startSession, tokenOf } from "./house.ts";

/** What becomes of the store. */
const accidents: Record<string, (file: string) => void> = {
  "is removed": (file) => rmSync(dirname(file), { recursive: true }),
  "is overwritten": (file) => writeFileSync(file, "These are my notes.\n"),
};

const cookie = (token: string) => [`Cookie: CF_Authorization=${token}`];

/** Requests that are refused while the store is there. */
async function refusedRequests(house: House): Promise<Record<string, Request>> {
  const { door } = house;
  const session = await startSession(door);
  const over = await tokenOf(door, session);
  await door.gateway.parts.sessions.end(session.id);
  const known = await tokenOf(door, await startSession(door));
  const requests: Record<string, Request> = {
    nobody: { target: "/x" },
    "a session that has ended": { target: "/x", lines: cookie(over) },
    "a forged token": { target: "/x", lines: cookie(forged(known)) },
    "a token of another application": {
      target: "/x",
      host: "app2.localhost",
      lines: cookie(known),
    },
    "somebody whom policy refuses": {
      target: "/admin/x",
      lines: await house.credentials("alice", "app.localhost"),
    },
    "a program with another secret": {
      target: "/machines/x",
      lines: ["CF-Access-Client-Id: robot.access", "CF-Access-Client-Secret: guessed"],
    },
    "an address that is none of the office": { target: "/office/x" },
  };
  const opening = Object.entries(requests).map(([who, request]): [string, Request] => [
    `${who}, with a WebSocket`,
    { ...request, webSocket: true },
  ]);
  return { ...requests, ...Object.fromEntries(opening) };
}

const keptOut = [302, 401, 403, 503];
/** Requests of each of them that are made while the store goes. */
const rounds = 5;

for (const way of waysIn)
  for (const [accident, happen] of Object.entries(accidents))
    test(
      `O9 nobody gets in because the store ${accident} during traffic, ${way.name}`,
      leaveOut(way.missing),
      async (context) => {
        const [house, file] = await openHouseOnFile(context, way);
        const { door, upstream } = house;
        const refused = await refusedRequests(house);
        const sessions = [await startSession(door), await startSession(door)];
        const [used = "", unused = ""] = await Promise.all(
          sessions.map((each) => tokenOf(door, each)),
        );
        const asUsed = { target: "/x", lines: cookie(used) };
        assert.equal((await door.ask(asUsed)).status, 200);

        const assertKeptOut = async () => {
          for (const [who, request] of Object.entries(refused)) {
            const { status } = await door.ask(request);
            assert.ok(keptOut.includes(status ?? 0), `${who}: ${status}`);
          }
        };
        const traffic = (async () => {
          for (let round = 0; round < rounds; round++) await assertKeptOut();
        })();
        happen(file);
        await traffic;

        // Who was let in may be so until the gateway has noticed, and then nobody is.
        await until(async () => (await door.ask(asUsed)).status === 503);
        for (const { url } of upstream.requests) assert.equal(url, "/x");
        upstream.reset();
        await assertKeptOut();
        for (const token of [used, unused])
          assert.equal((await door.ask({ target: "/x", lines: cookie(token) })).status, 503);
        assert.equal(upstream.requests.length, 0);
        assert.equal(
          (await door.ask({ target: "/public/x" })).status,
          200,
          "nobody is asked for here",
        );
      },
    );
