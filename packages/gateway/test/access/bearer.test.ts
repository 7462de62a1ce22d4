// `accept_bearer` (wire-protocol 3, place 2a): the application's token as `Authorization: Bearer`.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ada,
  application,
  everybody,
  forged,
  identityIn,
  open,
  startAccessFixture,
} from "./access-fixture.ts";

test("an application that accepts bearers takes its own token there, and the origin sees none", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { accept_bearer: true }),
    application("open", [open], { accept_bearer: true }),
  ]);
  const token = await access.token("app");
  for (const scheme of ["Bearer", "bearer", "BEARER", "Bearer  "]) {
    const seen = await access.passed("/", [`Authorization: ${scheme} ${token}`]);
    assert.equal(identityIn(seen), ada);
    assert.equal(seen.header("authorization"), undefined);
  }
  const both = [`cf-access-token: ${token}`, `Authorization: Bearer ${token}`];
  assert.equal((await access.passed("/", both)).header("authorization"), undefined);
  const atOpen = await access.passed("/", [`Authorization: Bearer ${token}`], {
    host: "open.localhost",
  });
  assert.equal(atOpen.header("authorization"), undefined);
  const dead = await access.refused(401, "/", [
    `Authorization: Bearer ${forged(token)}`,
    `Cookie: CF_Authorization=${token}`,
  ]);
  assert.equal(dead.headers["cf-access-error"], "revoked", "a cookie rescues nothing");
  await access.refused(400, "/", [`Authorization: Bearer ${token}`, "Authorization: Basic YTpi"]);
});

test("every other Authorization is the application's own, and so is ours where bearers are not accepted", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { accept_bearer: true }),
    application("other", [everybody]),
  ]);
  const token = await access.token("app");
  const foreign = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"iss":"https://elsewhere.test"}').toString("base64url")}.c2ln`;
  for (const value of [
    "Basic YTpi",
    `Bearer ${foreign}`,
    "Bearer sk_live_1",
    "Bearer",
    `Token ${token}`,
  ]) {
    const lines = [`Authorization: ${value}`, `Cookie: CF_Authorization=${token}`];
    assert.equal((await access.passed("/", lines)).header("authorization"), value);
    await access.refused(302, "/", [`Authorization: ${value}`]);
  }
  const other = await access.token("other");
  const bearer = `Bearer ${other}`;
  const at = { host: "other.localhost" };
  await access.refused(302, "/", [`Authorization: ${bearer}`], at);
  const lines = [`cf-access-token: ${other}`, `Authorization: ${bearer}`];
  assert.equal((await access.passed("/", lines, at)).header("authorization"), bearer);
});
