// What Tab offers, by what is typed so far.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, type Otherwise } from "../../../src/commands/completion/complete.ts";
import { mainGroup } from "../../../src/commands/index.ts";

const stored = {
  profiles: () => ["default", "work"],
  applications: () => ["https://api.example.com", "https://wiki.example.com:8443"],
};

function completed(...words: string[]): { texts: string[]; otherwise: Otherwise } {
  const { candidates, otherwise } = complete(mainGroup, words, stored);
  return { texts: candidates.map(({ text }) => text), otherwise };
}

const textsFor = (...words: string[]) => completed(...words).texts;
const otherwiseFor = (...words: string[]) => completed(...words).otherwise;

test("commands and groups are offered with their summaries", () => {
  assert.deepEqual(textsFor("acc"), ["access"]);
  assert.deepEqual(textsFor("access", "tok"), ["token"]);
  assert.ok(textsFor("").includes("gateway"));
  assert.deepEqual(textsFor("access", ""), textsFor("access", "").filter(Boolean));
  const [access] = complete(mainGroup, ["acc"], stored).candidates;
  assert.match(access?.description ?? "", /behind an identity-aware gateway/);
  assert.deepEqual(textsFor("frobnicate", ""), []);
  assert.deepEqual(textsFor("access", "frobnicate", ""), []);
});

test("flags are offered where a word begins with a dash, those that help does not show are not", () => {
  assert.deepEqual(textsFor("access", "token", "--no-l"), ["--no-login"]);
  assert.deepEqual(textsFor("access", "token", "--service-token-secr"), []);
  assert.deepEqual(textsFor("access", "token", "https://x.example", "--form"), ["--format"]);
});

test("values are offered for a flag, apart from it and behind its =", () => {
  const formats = ["raw", "header", "json", "env", "exec-credential"];
  assert.deepEqual(textsFor("access", "token", "--format", ""), formats);
  assert.deepEqual(textsFor("access", "token", "-format=js"), ["-format=json"]);
  assert.deepEqual(textsFor("access", "list", "--profile", "w"), ["work"]);
  assert.deepEqual(textsFor("access", "list", "--profile=w"), ["--profile=work"]);
  assert.deepEqual(textsFor("access", "token", "--app", "https://w"), [
    "https://wiki.example.com:8443",
  ]);
  assert.deepEqual(textsFor("access", "login", "--timeout", ""), []);
});

test("files and folders are the shell's to offer", () => {
  assert.deepEqual(otherwiseFor("access", "list", "--ca-file", ""), { kind: "files" });
  assert.deepEqual(otherwiseFor("dev", "--data", ""), { kind: "folders" });
  assert.deepEqual(otherwiseFor("access", "list", ""), { kind: "nothing" });
});

test("a command is offered what it is about, once", () => {
  assert.deepEqual(textsFor("access", "token", ""), stored.applications());
  assert.deepEqual(textsFor("access", "token", "--no-login", "https://a"), [
    "https://api.example.com",
  ]);
  assert.deepEqual(textsFor("access", "token", "https://api.example.com", ""), []);
  assert.deepEqual(textsFor("access", "forget", "wiki"), ["wiki.example.com:8443"]);
  assert.deepEqual(textsFor("completion", "z"), ["zsh"]);
  assert.deepEqual(textsFor("init", "--issuer", ""), [], "no application of ours");
});

test("what belongs to a tool is the tool's to complete", () => {
  assert.deepEqual(otherwiseFor("access", "put", "wget", "-"), { kind: "tool", at: 2 });
  assert.deepEqual(otherwiseFor("access", "put", "--via", "env", "wg"), { kind: "tool", at: 4 });
  assert.deepEqual(otherwiseFor("access", "put", "--", "wget", "x"), { kind: "tool", at: 3 });
  assert.deepEqual(textsFor("access", "put", "wget", "--no"), []);
  assert.deepEqual(textsFor("access", "put", "--no-l"), ["--no-login"]);
  const curl = completed("access", "curl", "--token");
  assert.deepEqual(curl, { texts: ["--token-in"], otherwise: { kind: "tool", at: 1 } });
});
