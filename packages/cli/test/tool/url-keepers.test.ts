// Which tools would keep a pass that stands in their URL, and how each of them gets by without.
import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { urlKeeper } from "../../src/tool/url-keepers.ts";
import { machine } from "../support/terminal.ts";

const url = "https://api.example.com/a.csv";

function kindOf(line: string, path?: string): string {
  const words = line.split(" ");
  return urlKeeper(words, words.indexOf(url), () => path)?.kind ?? "pass";
}

test("wget gets a pass where the person names the file, a cookie file where wget would", () => {
  const lines: Record<string, string> = {
    [`wget -O a ${url}`]: "pass",
    [`wget -qO- ${url}`]: "pass",
    [`wget -nvOa ${url}`]: "pass",
    [`wget ${url} --output-document=a`]: "pass",
    [`wget --output-document a ${url}`]: "pass",
    [`wget ${url}`]: "cookies",
    [`/usr/bin/wget ${url}`]: "cookies",
    [`wget -PO ${url}`]: "cookies",
    [`wget --output-file log ${url}`]: "cookies",
    [`nice -n 5 wget -c ${url}`]: "cookies",
    [`wget --load-cookies=mine ${url}`]: "refused",
    [`wget --loa mine ${url}`]: "refused",
    [`wget --save-cookies jar ${url}`]: "refused",
    [`wget -e cookies=off ${url}`]: "refused",
    [`wget --no-cookies ${url}`]: "refused",
    [`wget --save-headers ${url}`]: "cookies",
    [`wget --no-config ${url}`]: "cookies",
    [`wget -e robots=off ${url}`]: "cookies",
    [`wget2 ${url}`]: "refused",
    [`wget2 -O a ${url}`]: "pass",
    [`timeout 5 busybox wget ${url}`]: "refused",
    [`busybox wget -O a ${url}`]: "pass",
  };
  for (const [line, kind] of Object.entries(lines)) assert.equal(kindOf(line), kind, line);
});

test("a wget that is busybox under another name knows no cookies", (context) => {
  const { directory } = machine(context);
  const busybox = join(directory, "busybox");
  writeFileSync(busybox, "");
  symlinkSync(busybox, join(directory, "wget"));
  assert.equal(kindOf(`wget ${url}`, join(directory, "wget")), "refused");
});

test("what keeps its URL in a file of its own gets none, and every other tool a pass", () => {
  for (const line of [`git clone ${url}`, `hg clone ${url}`, `svn checkout ${url}`, `fetch ${url}`])
    assert.equal(kindOf(line), "refused", line);
  for (const line of [
    `curl -O ${url}`,
    `http GET ${url}`,
    `fetch -o a ${url}`,
    `printf ${url} git`,
  ])
    assert.equal(kindOf(line), "pass", line);
});
