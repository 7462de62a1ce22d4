// `postern/testing`: real tokens of a real gateway, for the tests of an application that stands
// behind one (docs/library.md). The gateway is `postern dev` in a process of its own, and people
// sign in on its pages, as anybody would: there is no door that only tests know.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { peekClaims } from "@postern/protocol/decode-token";
import type { TestGateway, TestGatewayOptions, TestToken } from "./testing-types.d.ts";
import { Visitor } from "./visitor.ts";

const startTimeoutMs = 60_000;
const cookieName = "CF_Authorization";

/**
 * Starts `postern dev --ephemeral`.
 * @throws {Error} when it cannot be started, with what it said
 */
export async function startTestGateway({
  applications = {},
  port,
}: TestGatewayOptions = {}): Promise<TestGateway> {
  const chosenPort = port ?? (await freePort());
  const upstreams = Object.entries(applications).map(([name, url]) => `--upstream=${name}=${url}`);
  const program = fileURLToPath(new URL("postern.cjs", import.meta.url));
  const args = [program, "dev", "--ephemeral", `--port=${chosenPort}`, ...upstreams];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = new Output(child);
  // A test that fails before `stop` leaves nothing behind.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  try {
    await output.until(/Postern is up/);
  } catch (error) {
    kill();
    throw error;
  }
  return new DevGateway(chosenPort, child, output);
}

class DevGateway implements TestGateway {
  readonly port: number;
  readonly issuer: string;
  readonly #child: ChildProcess;
  readonly #output: Output;
  #last: Promise<unknown> = Promise.resolve();

  constructor(port: number, child: ChildProcess, output: Output) {
    this.port = port;
    this.issuer = `http://login.localhost:${port}`;
    this.#child = child;
    this.#output = output;
  }

  origin(name: string): string {
    return `http://${name}.localhost:${this.port}`;
  }

  tokenFor(name: string, email: string): Promise<TestToken> {
    // One at a time: two sign-ins of one address could take each other's code.
    const token = this.#last.then(() => this.#signIn(name, email));
    this.#last = token.catch(() => undefined);
    return token;
  }

  async #signIn(name: string, email: string): Promise<TestToken> {
    // 1. A browser of its own: whoever signed in before has another session.
    const visitor = new Visitor();
    const start = await visitor.visit(this.origin(name));
    if (new URL(start.url).origin !== this.issuer)
      throw new Error(`${this.origin(name)} asks nobody to sign in (status ${start.status})`);
    // 2. The code of this sign-in is the next one that the gateway shows.
    const shown = this.#output.position;
    await visitor.press("Send me a code", { email });
    const [, code = ""] = await this.#output.until(pinOf(email), shown);
    await visitor.press("Sign in", { code });
    // 3. The application's own cookie holds the token.
    const token = visitor.cookie(`${name}.localhost`, cookieName);
    if (token === undefined)
      throw new Error(`${email} may not reach ${this.origin(name)}: ${visitor.heading()}`);
    return { token, claims: peekClaims(token) };
  }

  async stop(): Promise<void> {
    if (hasEnded(this.#child)) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function pinOf(email: string): RegExp {
  return new RegExp(`PIN for ${email.toLowerCase().replace(/[^\w@-]/g, "\\$&")}: (\\d+)`);
}

/** What a process says, as far as it has said it. */
class Output {
  readonly #child: ChildProcess;
  #text = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (piece: string) => {
        this.#text += piece;
      });
  }

  get position(): number {
    return this.#text.length;
  }

  /**
   * Waits for what matches behind a position.
   * @throws {Error} when the process ends before, or a minute has passed
   */
  async until(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const timeout = AbortSignal.timeout(startTimeoutMs);
    for (;;) {
      const match = pattern.exec(this.#text.slice(from));
      if (match !== null) return match;
      if (hasEnded(this.#child)) throw new Error(`postern dev: ${this.#text.trim()}`);
      await this.#nextEvent(timeout);
    }
  }

  /** The process says something, or ends. */
  async #nextEvent(timeout: AbortSignal): Promise<void> {
    const other = new AbortController();
    const signal = AbortSignal.any([timeout, other.signal]);
    try {
      await Promise.race([
        once(this.#child.stdout ?? this.#child, "data", { signal }),
        once(this.#child, "exit", { signal }),
      ]);
    } finally {
      other.abort();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
