// `npm run demo`: the whole path shown once, with nothing replaced. Starts `postern dev`, signs a
// demo person in from a terminal (in a real browser when one is here, else over the same pages by
// HTTP), and calls the protected API. Then it stays up for the reader to try; `--once` ends
// instead.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { Visitor } from "./visitor.ts";

const person = "ada@example.com";
const once = process.argv.includes("--once");
const cli = join(import.meta.dirname, "../packages/cli/bin/postern.cjs");
// Works in every folder, as `npx` does not.
const command = `node ${cli}`;
const home = mkdtempSync(join(tmpdir(), "postern-demo-"));
const environment = { ...process.env, POSTERN_HOME: home, NO_COLOR: "1" };
const say = (text: string) => process.stdout.write(`${text}\n`);
const postern = (...args: string[]) =>
  spawn(process.execPath, [cli, ...args], { env: environment });

const port = await freePort(8600);
const gateway = postern("dev", "--ephemeral", "--port", String(port));
const gatewaySays = watchOutput(gateway);
const stop = () => {
  gateway.kill("SIGTERM");
  rmSync(home, { recursive: true, force: true });
};
process.on("SIGINT", () => {
  stop();
  process.exit(130);
});
// Whoever reads along (`| head`) has gone: nothing stays behind.
process.stdout.on("error", () => {
  stop();
  process.exit(1);
});

try {
  const application = `http://echo.localhost:${port}`;
  await gatewaySays.until(/Postern is up/);
  say(`1. The gateway is up. It protects a small API at ${application}`);

  say(`\n2. ${person} signs in from a terminal\n   $ postern access login ${application}`);
  const login = postern("access", "login", application, "--no-browser");
  const loginSays = watchOutput(login);
  const [url] = await loginSays.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli\?\S+/);
  const [code] = await loginSays.until(/[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/);
  say(
    `   ${await approve(url, code, async () => (await gatewaySays.until(/PIN for \S+: (\d+)/))[1] ?? "")}`,
  );
  if ((await loginSays.ended) !== 0) throw new Error(`access login failed:\n${loginSays.text()}`);

  const { shown, args } = callTheApi(application);
  say(`\n3. The API answers, and knows who asks\n   $ postern ${shown}`);
  const called = watchOutput(postern(...args));
  const status = await called.ended;
  say(called.text().trimEnd());
  if (status !== 0 || !called.text().includes(person))
    throw new Error(`${shown} ended with status ${status}`);

  if (once) {
    say("\nDone. Leave out --once to keep it running and try it yourself.");
    stop();
  } else {
    say(`\nIt stays up. Try, in another terminal:
   ${command} access curl ${application}/anything      signs you in first; the PIN is shown here
   ${command} access token -app=${application}
   ${command} access put wget -qO- http://localhost:${port}/anything
   curl -i ${application}/anything                      what somebody without a token gets
Ctrl-C ends it.\n`);
    gateway.stdout.pipe(process.stdout);
    gateway.stderr.pipe(process.stderr);
    await gatewaySays.ended;
  }
} catch (error) {
  process.stderr.write(
    `The demo failed: ${error instanceof Error ? error.message : String(error)}\n\nThe gateway said:\n${gatewaySays.text()}\n`,
  );
  stop();
  process.exitCode = 1;
}

/** With curl where one is here; else with what surely is, Node, as any other tool: `access put`. */
function callTheApi(application: string): { shown: string; args: string[] } {
  const url = `${application}/anything`;
  if (spawnSync("curl", ["--version"]).status === 0) {
    return {
      shown: `access curl ${url}`,
      args: ["access", "curl", "--silent", "--show-error", url],
    };
  }
  // Node's resolver knows no names below .localhost on every machine.
  const local = url.replace("//echo.localhost", "//localhost");
  const script = join(import.meta.dirname, "print-url.mjs");
  return {
    shown: `access put node demo/print-url.mjs ${local}     (no curl is here)`,
    args: ["access", "put", process.execPath, script, local],
  };
}

/** Goes through sign-in and approval as a person would, and says how. */
async function approve(url: string, code: string, pin: () => Promise<string>): Promise<string> {
  const browser = await findBrowser();
  if (browser !== undefined) {
    await approveInBrowser(browser, url, code, pin);
    return "A browser opened the page, signed in with a one-time PIN, compared the code and clicked Approve.";
  }
  const visitor = new Visitor();
  await visitor.visit(url);
  await visitor.press("Send me a code", { email: person });
  await visitor.press("Sign in", { code: await pin() });
  if (!visitor.page.text.includes(code))
    throw new Error(`the page does not show the terminal's code ${code}`);
  await visitor.press("Approve");
  if (visitor.heading() !== "You are signed in")
    throw new Error(`the approval ended on "${visitor.heading()}"`);
  return "No browser is here, so the same pages were walked over HTTP: one-time PIN, code compared, Approve.";
}

/** A browser that starts; undefined where none is installed, or the installed one does not. */
async function findBrowser(): Promise<Browser | undefined> {
  const executablePath = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ].find((path) => existsSync(path));
  if (executablePath === undefined) return undefined;
  const { chromium } = await import("playwright-core");
  const starting = chromium.launch({
    executablePath,
    args: [
      // Chromium refuses its sandbox to root.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return starting.catch(() => undefined);
}

async function approveInBrowser(
  browser: Browser,
  url: string,
  code: string,
  pin: () => Promise<string>,
): Promise<void> {
  try {
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByLabel("Email").fill(person);
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByLabel("Code").fill(await pin());
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText(code).waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  } finally {
    await browser.close();
  }
}

/** Collects what a child prints, lets the caller wait for a line, and tells how the child ended. */
function watchOutput(child: ChildProcessWithoutNullStreams) {
  let output = "";
  const listeners = new Set<() => void>();
  const append = (chunk: Buffer) => {
    output += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", append);
  child.stderr.on("data", append);
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
  return {
    text: () => output,
    ended,
    until: (pattern: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(output);
          if (found === null) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended before it said ${pattern}:\n${output}`)));
      }),
  };
}

/** The wanted port of 127.0.0.1, or any free one when that is taken. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" && wanted !== 0) freePort(0).then(resolve, reject);
      else reject(error);
    });
    server.listen(wanted, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
