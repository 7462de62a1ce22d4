import assert from "node:assert/strict";
import { test } from "node:test";
import { takeToken } from "../../src/http/query-tokens.ts";

const ours = "eyJhIjoxfQ.eyJiIjoyfQ.c2ln";
const isOurs = (token: string) => token === ours;

test("our token is found in every spelling of its argument, and everything else stays as it is", () => {
  const escaped = [...ours].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join("");
  for (const argument of [
    `token=${ours}`,
    `%74oken=${ours}`,
    `%74%6F%6b%65%6E=${ours}`,
    `token=${escaped}`,
    `token=${ours.replace(".", "%2E")}`,
  ])
    assert.deepEqual(takeToken(`a=%zz&${argument}&&b`, isOurs), { rest: "a=%zz&&b", token: ours });
  for (const query of ["", "a=b", `Token=${ours}`, `xtoken=${ours}`, "token=%", "%=%25&token=eyJ"])
    assert.deepEqual(takeToken(query, isOurs), { rest: query, token: undefined }, query);
  assert.equal(takeToken(`token=${ours}&x&token=${ours}`, isOurs), undefined);
});

test("an escape that is none throws nothing, however many there are", () => {
  for (const piece of ["%=&", "%zz=%zz&", "token=%&", "%74oken=eyJ%E0%A4%A&", "%f0%28=1&"]) {
    const query = piece.repeat(60_000 / piece.length).slice(0, -1);
    assert.deepEqual(takeToken(query, isOurs), { rest: query, token: undefined });
  }
});
