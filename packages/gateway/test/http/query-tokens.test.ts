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

test("only so many values that look like a token are looked at, whoever they are of", () => {
  const foreign = "token=eyJhIjoxfQ.eyJpc3MiOiJ4In0.c2ln";
  const queries = [foreign, `token=${ours}x`, "%74oken=eyJ.e30.x"];
  let looks = 0;
  const look = (token: string) => {
    looks++;
    return isOurs(token);
  };
  for (const argument of queries) {
    looks = 0;
    const query = Array(1_000).fill(argument).join("&");
    assert.equal(takeToken(query, look), undefined, argument);
    assert.ok(looks <= 16, `${looks} looks`);
  }
  const few = `${Array(16).fill(foreign).join("&")}`;
  assert.deepEqual(takeToken(few, isOurs), { rest: few, token: undefined });
});
