// Many processes at one terminal, none of which has a token: one opens the browser, where somebody
// signs in and approves once.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../test/support/until.ts";
import { approve, thisCheckout } from "./postern.ts";
import type { Server } from "./process.ts";

interface Crowd {
  gateway: Server;
  application: string;
  /** for files of this measurement */
  folder: string;
  /** how many processes */
  crowd: number;
}

/** What came of it: how long it took, how many have a token, how many browsers were opened. */
export async function signInTogether({ gateway, application, folder, crowd }: Crowd) {
  const home = join(folder, "crowd");
  const results = join(folder, "results");
  for (const path of [home, results]) mkdirSync(path, { mode: 0o700 });
  const pages = join(folder, "pages");
  writeFileSync(pages, "");
  const browser = writeBrowser(folder, pages);
  const env = { PATH: process.env["PATH"], HOME: home, POSTERN_HOME: home, BROWSER: browser };

  // Standard error is the terminal of all of them.
  const call = `'${process.execPath}' '${thisCheckout.cli}' access token '${application}'`;
  const line = `for each in $(seq ${crowd}); do ${call} > '${results}'/$each & done; wait`;
  const start = performance.now();
  const terminal = spawn("script", ["-qec", line, "/dev/null"], { env });
  terminal.stdout.resume();
  const ended = once(terminal, "close");
  await until(() => linesOf(pages).length > 0);
  await approve(gateway, linesOf(pages)[0] ?? "", "bob@example.com");
  await ended;

  const seconds = (performance.now() - start) / 1000;
  const outputs = readdirSync(results).map((name) => readFileSync(join(results, name), "utf8"));
  const tokens = outputs.filter((text) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)).length;
  return { seconds, tokens, opened: linesOf(pages).length };
}

/** A browser that writes down what it was to open. */
function writeBrowser(folder: string, pages: string): string {
  const browser = join(folder, "browser");
  writeFileSync(browser, `#!/bin/sh\nprintf '%s\\n' "$1" >> '${pages}'\n`);
  chmodSync(browser, 0o755);
  return browser;
}

function linesOf(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").filter(Boolean);
}
