// What strangers get and leave behind (cases L18, O8), by every way in: the answer that asks them
// to sign in is the gateway's alone, and however often they ask, nothing is written down.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { leaveOut } from "../support/requirements.ts";
import { type Request, waysIn } from "../support/ways-in.ts";
import { openHouse, openHouseOnFile } from "./house.ts";

const secret = "what the stranger has written";
const form = ["Content-Type: application/x-www-form-urlencoded"];
const post = { method: "POST", target: "/admin/x", body: `text=${secret}` };

/** Requests for protected pages, in the forms in which something of them could be kept or shown. */
const asked: Record<string, Request> = {
  "a page": { target: "/admin/x" },
  "a form": { ...post, lines: form },
  "a form whose answer is wanted as JSON": {
    ...post,
    lines: [...form, "Accept: application/json"],
  },
  "a form from a script": { ...post, lines: [...form, "Sec-Fetch-Mode: cors"] },
  "a form of a browser": {
    ...post,
    lines: [...form, "Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
  },
  "an upload": { ...post, method: "PUT", lines: ["Content-Type: multipart/form-data; boundary=x"] },
  "an upload that waits for a go-ahead": { ...post, lines: ["Expect: 100-continue"] },
  "a body in chunks": { ...post, trailers: ["X-Sum: 1"] },
  "a deletion": { ...post, method: "DELETE" },
  "a part": { target: "/admin/x", lines: ["Range: bytes=0-10"] },
  "a revalidation": { target: "/admin/x", lines: ['If-None-Match: "x"'] },
  "a revalidation by date": {
    target: "/admin/x",
    lines: ["If-Modified-Since: Sat, 28 Nov 2026 00:00:00 GMT"],
  },
  "a head": { method: "HEAD", target: "/admin/x" },
  "a style sheet": { target: "/admin/x.css", lines: ["Accept: text/css"] },
};

/** Pages of the gateway's own that anybody may ask for. */
const ownPages: Request[] = [
  { host: "login.localhost", target: "/" },
  { host: "login.localhost", target: "/cdn-cgi/access/login/app.localhost" },
  { host: "login.localhost", target: "/cdn-cgi/access/callback?state=x&code=y" },
  { host: "login.localhost", target: "/cdn-cgi/access/certs" },
  { host: "login.localhost", target: "/cdn-cgi/access/logout" },
  { target: "/cdn-cgi/access/logout" },
  { target: "/cdn-cgi/access/get-identity" },
  { target: "/cdn-cgi/access/authorized?state=x&nonce=y" },
  { target: "/cdn-cgi/access/cli/abc" },
  { target: "/x", lines: ["Cookie: CF_Authorization=eyJhbGciOiJub25lIn0.e30.; CF_AppSession=x"] },
  { target: "/x", lines: ["cf-access-token: x"] },
  { target: "/machines/x", lines: ["CF-Access-Client-Id: a", "CF-Access-Client-Secret: b"] },
  { host: "unknown.example", target: "/" },
];

for (const way of waysIn)
  test(
    `L18 who is led to the sign-in has got nothing of the application, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const house = await openHouse(way);
      context.after(() => house.close());
      const { upstream, door } = house;
      upstream.answerWith((_request, response) => response.end("the application's own words"));
      for (const [what, request] of Object.entries(asked)) {
        const answer = await door.ask(request);
        assert.ok([302, 401].includes(answer.status ?? 0), `${what}: ${answer.status}`);
        assert.doesNotMatch(answer.raw, /own words/, what);
        // nginx gives it by itself.
        if (way.kind !== "nginx") assert.doesNotMatch(answer.raw, /100 Continue/, what);
        assert.ok(!answer.raw.includes(secret), `${what} came back`);
      }
      assert.equal(upstream.connections, 0, "the origin was not even connected to");
    },
  );

const times = 10;

for (const way of waysIn)
  test(
    `O8 however often strangers ask, the store is written nothing, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const [house, file] = await openHouseOnFile(context, way);
      const { door } = house;
      const database = new DatabaseSync(file, { readOnly: true });
      context.after(() => database.close());
      const all = [...Object.values(asked), ...ownPages];
      await Promise.all(all.map((request) => door.ask(request)));
      const before = contentOf(database);
      for (let time = 0; time < times; time++)
        await Promise.all(all.map((request) => door.ask(request)));
      assert.deepEqual(contentOf(database), before);

      await house.credentials("alice", "app.localhost");
      assert.notDeepEqual(contentOf(database), before, "a session would be seen");
    },
  );

/** How often it was written to, and how many rows each table has. */
function contentOf(database: DatabaseSync): Record<string, unknown> {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const counts = tables.map(({ name }) => [
    name,
    database.prepare(`SELECT count(*) AS rows FROM "${name}"`).get()?.["rows"],
  ]);
  const version = database.prepare("PRAGMA data_version").get();
  return { ...version, ...Object.fromEntries(counts) };
}
