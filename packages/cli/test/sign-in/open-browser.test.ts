// When a browser is opened, by whom, and with what.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openBrowser, openerOf } from "../../src/sign-in/open-browser.ts";
import { surroundings } from "../support/context.ts";

/** A directory with openers that write down what they were called with. */
function openers(context: TestContext, ...names: string[]) {
  const directory = join(surroundings(context).home, "..", "openers");
  mkdirSync(directory);
  const log = join(directory, "log");
  for (const name of names) {
    writeFileSync(
      join(directory, name),
      `#!/bin/sh\nprintf '%s\\n' "${name}" "$#" "$1" "$PATH" > '${log}.part'\nmv '${log}.part' '${log}'\n`,
    );
    chmodSync(join(directory, name), 0o755);
  }
  const called = () =>
    new Promise<string[]>((resolve) => {
      const look = () => {
        if (!existsSync(log)) return;
        watcher.close();
        resolve(readFileSync(log, "utf8").trim().split("\n"));
      };
      const watcher = watch(directory, look);
      look();
    });
  return { directory, called, path: `.:${directory}::/usr/bin:/bin` };
}

test("$BROWSER comes first, also where there is no display; the URL is one argument", async (context) => {
  const { called, path } = openers(context, "my-browser", "xdg-open");
  const url = new URL("https://app.example.com/cdn-cgi/access/cli?a=1&b=$(id)");
  assert.equal(
    await openBrowser({ environment: { BROWSER: "my-browser", PATH: path } }, url),
    true,
  );
  const [name, count, argument, seenPath] = await called();
  assert.deepEqual([name, count, argument], ["my-browser", "1", url.href]);
  assert.ok(
    !/(^|:)(\.?)(:|$)/.test(seenPath ?? ":"),
    "the opener looks for programs in whole paths only",
  );
});

test("where $BROWSER is no program the desktop's opener is asked; without a display nobody is", {
  skip: process.platform !== "linux",
}, async (context) => {
  const { called, path } = openers(context, "xdg-open");
  const url = new URL("http://app.localhost:1/");
  const desktop = { BROWSER: "no such thing %s", DISPLAY: ":0", PATH: path };
  assert.equal(await openBrowser({ environment: { ...desktop, DISPLAY: "" } }, url), false);
  assert.equal(await openBrowser({ environment: desktop }, url), true);
  assert.equal((await called())[0], "xdg-open");
  assert.equal(
    await openBrowser({ environment: { DISPLAY: ":0", PATH: "/nowhere" } }, url),
    false,
    "no opener is there",
  );
});

test("nothing but a web page is opened (C16)", async (context) => {
  const { directory, path } = openers(context, "my-browser");
  for (const url of [
    "file:///etc/passwd",
    "javascript:alert(1)",
    "vscode://x",
    "data:text/html,x",
    "ftp://a/",
  ])
    assert.equal(
      await openBrowser(
        { environment: { BROWSER: "my-browser", DISPLAY: ":0", PATH: path } },
        new URL(url),
      ),
      false,
      url,
    );
  assert.equal(existsSync(join(directory, "log")), false);
});

test("each system has an opener that takes the URL as it is", () => {
  const windows = ["rundll32.exe", "url.dll,FileProtocolHandler"];
  assert.deepEqual(openerOf({}, "darwin"), ["/usr/bin/open"]);
  assert.deepEqual(openerOf({}, "win32"), windows);
  assert.deepEqual(openerOf({ WSL_DISTRO_NAME: "Debian" }, "linux"), windows);
  assert.deepEqual(openerOf({}, "linux"), ["xdg-open"]);
  assert.deepEqual(openerOf({}, "freebsd"), ["xdg-open"]);
});
