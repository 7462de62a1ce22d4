// `npm run demo`: the whole path shown once, with nothing replaced. Starts `postern dev`, asks the
// protected API without a token, signs a demo person in from a terminal, calls the API, lets
// somebody else try, and signs out. Then it stays up for the reader to try; `--once` ends instead.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { approve, signInByHttp } from "./approve.ts";
import { type ChildOutput, watchOutput } from "./child-output.ts";

const ada = "ada@example.com";
const eve = "eve@example.net";
const cli = join(import.meta.dirname, "../packages/cli/dist/postern.cjs");
/** How much of a line a terminal of 80 columns shows, after the three blanks. */
const lineWidth = 76;

const { once, port } = await readArguments();
const folder = mkdtempSync(join(tmpdir(), "postern-demo-"));
const home = join(folder, "home");
mkdirSync(home);
const pictureFile = join(folder, "approval.png");
const application = `http://echo.localhost:${port}`;
let hasPicture = false;

const wiki = await startWiki();
const gateway = startPostern(
  ...["dev", "--ephemeral", "--port", String(port)],
  ...["--upstream", `wiki=http://127.0.0.1:${(wiki.address() as AddressInfo).port}`],
  ...["--allow", `echo=${ada}`],
);
const gatewayOutput = watchOutput(gateway);
process.on("SIGINT", () => end(130));
// Whoever reads along (`| head`) has gone: nothing stays behind.
process.stdout.on("error", () => end(1));

try {
  await showTheGateway();
  await showNoToken();
  await showSignIn();
  await showTheCall();
  await showSomebodyElse();
  await showSignOut();
  if (once) {
    print("\nDone. Without --once it stays up for you to try.");
    stop();
  } else {
    await stayUp();
  }
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `The demo failed: ${reason}\n\nThe gateway said:\n${gatewayOutput.text()}\n`,
  );
  stop();
  process.exitCode = 1;
}

async function showTheGateway(): Promise<void> {
  await gatewayOutput.until(/Postern is up/);
  print(`1. The gateway is up. At ${application} is an API for ${ada} alone.`);
}

async function showNoToken(): Promise<void> {
  print(`\n2. A request without a token\n   GET ${application}/anything`);
  const answer = await askTheApi();
  print(`   ${answer.statusCode}: ${firstSentence(await text(answer))}`);
}

async function showSignIn(): Promise<void> {
  print(`\n3. A terminal asks to be signed in\n   $ postern access login ${application}`);
  const login = watchOutput(startPostern("access", "login", application, "--no-browser"));
  const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
  const [code] = await login.until(/[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/);
  print(`   The code of this terminal: ${code}`);

  print(
    "\n4. On the page, Ada signs in with a one-time PIN, compares the code, and clicks Approve",
  );
  hasPicture = await approve({ url, code, email: ada, pin, pictureFile });
  print(hasPicture ? `   The page: ${pictureFile}` : "   No browser is here: done over HTTP.");
  if ((await login.ended) !== 0) throw new Error(`access login failed:\n${login.text()}`);
}

async function showTheCall(): Promise<void> {
  const { command, args } = callOfTheApi();
  print(`\n5. The API answers, and knows who asks\n   $ postern ${command}`);
  const output = await run(...args);
  const answer = JSON.parse(output.text());
  if (answer.you !== ada) throw new Error(`the API does not know who asks:\n${output.text()}`);
  print(`   ${JSON.stringify(answer).slice(0, lineWidth - 1)}…`);
}

async function showSomebodyElse(): Promise<void> {
  print(`\n6. ${eve} signs in too, to a wiki that is for everybody, and tries the API`);
  const visitor = await signInByHttp(`http://wiki.localhost:${port}/`, eve, pin);
  await visitor.visit(`${application}/anything`);
  if (visitor.page.status !== 403) throw new Error(`she got ${visitor.page.status}`);
  print(`   ${visitor.page.status}: ${visitor.heading()}`);
}

async function showSignOut(): Promise<void> {
  const token = (await run("access", "token", `-app=${application}`)).text().trim();
  print("\n7. Ada signs out, and the token is dead at once\n   $ postern access logout");
  await run("access", "logout", application);
  const answer = await askTheApi({ "cf-access-token": token });
  if (answer.statusCode !== 401) throw new Error(`the token still gets ${answer.statusCode}`);
  print(`   ${answer.statusCode}: ${firstSentence(await text(answer))}`);
}

async function stayUp(): Promise<void> {
  // Works in every folder, as `npx` does not.
  const command = `node ${cli}`;
  print(`
It stays up. Try, in another terminal, and sign in as ${ada}; the PIN is shown here:
   ${command} access curl ${application}/anything
   ${command} access token -app=${application}
   ${command} access put wget -qO- http://localhost:${port}/anything
   curl -i ${application}/anything
Press Ctrl-C to stop.\n`);
  gateway.stdout.pipe(process.stdout);
  gateway.stderr.pipe(process.stderr);
  await gatewayOutput.ended;
}

/** With curl where one is here; else with what surely is, Node, as any other tool: `access put`. */
function callOfTheApi(): { command: string; args: string[] } {
  const url = `${application}/anything`;
  if (spawnSync("curl", ["--version"]).status === 0) {
    return {
      command: `access curl ${url}`,
      args: ["access", "curl", "--silent", "--show-error", url],
    };
  }
  // Node's resolver knows no names below .localhost on every machine.
  const local = url.replace("//echo.localhost", "//localhost");
  const script = join(import.meta.dirname, "print-url.mjs");
  return {
    command: `access put node demo/print-url.mjs ${local}     (no curl is here)`,
    args: ["access", "put", process.execPath, script, local],
  };
}

/** The API's answer to a program that follows no redirect. */
function askTheApi(headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const options = { host: "127.0.0.1", port, path: "/anything", agent: false };
  return new Promise((resolve, reject) => {
    const request = get(
      { ...options, headers: { Host: `echo.localhost:${port}`, ...headers } },
      resolve,
    );
    request.on("error", reject);
  });
}

function firstSentence(answer: string): string {
  return /^.*?[.](?=\s)/.exec(answer)?.[0] ?? "";
}

/** The PIN that the gateway printed for this address. */
async function pin(email: string): Promise<string> {
  const [, value = ""] = await gatewayOutput.until(new RegExp(`PIN for ${email}: (\\d+)`));
  return value;
}

function startPostern(...args: string[]): ChildProcessWithoutNullStreams {
  const env = { ...process.env, POSTERN_HOME: home, NO_COLOR: "1" };
  return spawn(process.execPath, [cli, ...args], { env });
}

/** @throws {Error} when the command ends with another status than 0 */
async function run(...args: string[]): Promise<ChildOutput> {
  const output = watchOutput(startPostern(...args));
  const status = await output.ended;
  if (status === 0) return output;
  throw new Error(`postern ${args.join(" ")} ended with status ${status}:\n${output.text()}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Leaves nothing behind but the picture. */
function stop(): void {
  gateway.kill("SIGTERM");
  wiki.close();
  wiki.closeAllConnections();
  rmSync(hasPicture ? home : folder, { recursive: true, force: true });
}

function end(status: number): void {
  stop();
  process.exit(status);
}

/** Another application, which `postern dev` opens to everybody. */
async function startWiki(): Promise<Server> {
  const server = createServer((_request, response) => response.end("The wiki\n"));
  await listenOn(server, 0);
  return server;
}

/** @returns the port, once it is known to be free: 8600 or another one, or the one asked for */
async function readArguments(): Promise<{ once: boolean; port: number }> {
  try {
    const { values } = parseArgs({
      options: { once: { type: "boolean", default: false }, port: { type: "string" } },
    });
    return { once: values.once, port: await freePort(values.port) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`Usage: npm run demo -- [--once] [--port N]\n${reason}\n`);
    process.exit(1);
  }
}

async function freePort(wish: string | undefined): Promise<number> {
  if (wish === undefined) return probe(8600).catch(() => probe(0));
  const port = Number(wish);
  if (!/^\d{1,5}$/.test(wish) || port > 65_535)
    throw new Error(`--port ${wish} is not a port number; use 1 to 65535`);
  return probe(port);
}

/** @throws {Error} when the port of 127.0.0.1 cannot be had; 0 is any that is free */
async function probe(port: number): Promise<number> {
  const server = createServer();
  await listenOn(server, port);
  const address = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}

function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}
