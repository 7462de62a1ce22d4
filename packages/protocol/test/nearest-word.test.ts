import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestWord } from "../src/nearest-word.ts";

test("somebody who misspells a word gets the one that was meant", () => {
  const fields = ["auth_domain", "relay_hosts", "listen", "tls", "ingress", "applications"];
  for (const [word, meant] of [
    ["auth_domian", "auth_domain"],
    ["authdomain", "auth_domain"],
    ["AUTH-DOMAIN", "auth_domain"],
    ["lsiten", "listen"],
    ["ingres", "ingress"],
    ["aplications", "applications"],
    ["tsl", "tls"],
    ["hosts", "relay_hosts"],
  ] as const)
    assert.equal(nearestWord(word, fields), meant, word);
});

test("somebody who leaves out a part of a name gets the whole one", () => {
  assert.equal(nearestWord("browser", ["no-browser", "qr", "no-qr"]), "no-browser");
  assert.equal(nearestWord("design", ["login_design", "name"]), "login_design");
});

test("a word that is near none, or near several alike, gets no suggestion", () => {
  for (const [word, candidates] of [
    ["surprise", ["listen", "store"]],
    ["moon", ["email", "group"]],
    ["x", ["ip"]],
    ["cat", ["bat", "hat"]],
    ["client", ["client_id", "client_secret"]],
    ["a".repeat(1_000), ["a".repeat(1_001)]],
  ] as const)
    assert.equal(nearestWord(word, candidates), undefined, word);
});
