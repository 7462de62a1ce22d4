import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { shellWord } from "../../src/access/shell-word.ts";
import { application, everybody, startAccessFixture } from "./access-fixture.ts";

const hostile = [
  "/$(id)",
  "/`id`",
  "/a;id",
  "/a&id",
  "/a|id",
  "/a>b",
  "/'$(id)'",
  '/"a"',
  "/~root",
  "/*",
  "/[a-z]",
  "/{a,b}",
  "/!id",
  "/a b",
  "/$HOME",
  "/a=b",
];

test("an address in a line for the shell is one word there, and the same address", () => {
  for (const path of hostile) {
    const url = `https://app.example.com${path}`;
    const word = shellWord(url);
    const { stdout } = spawnSync("sh", ["-c", `printf '[%s]' ${word}`], { encoding: "utf8" });
    assert.equal(stdout, `[${word}]`, path);
    assert.equal(decodeURIComponent(word), url);
  }
  const plain = "https://app.example.com:8443/v1/users/@me/a%2520b-c_d.json";
  assert.equal(decodeURIComponent(shellWord(plain)), decodeURIComponent(plain));
  assert.equal(shellWord("http://app.localhost:8600/a/b"), "http://app.localhost:8600/a/b");
});

test("what an answer tells people to paste does not run what somebody put into the path", async (context) => {
  const { ask } = await startAccessFixture(context, [application("app", [everybody])]);
  for (const path of hostile.filter((each) => !each.includes(" "))) {
    for (const lines of [[], ["Accept: application/json"]]) {
      const { body } = await ask(path, lines);
      const commands = [...body.matchAll(/(?:postern|cloudflared) access \w+ ([^\s"]+)/g)];
      assert.ok(commands.length > 0, body);
      for (const [, word = ""] of commands)
        assert.match(word, /^[A-Za-z0-9_./:,%-]+[),.]*$/, `${path}: ${word}`);
    }
  }
});
