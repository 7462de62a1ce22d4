// Where a scene happens: one person's machine with the built command line on its PATH, a gateway
// with an origin behind it where the scene speaks of one, and a browser with somebody in front of
// it who approves.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { letTimePass } from "../../packages/cli/test/support/stored-moments.ts";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { watchProcess } from "../support/cli.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { startTcpService } from "../support/tcp-service.ts";
import { startUpstream } from "../support/upstream.ts";
import { sections } from "./gateway.ts";
import type { Outcome } from "./session-text.ts";
import { asTyped, asWritten, type Place, portInText } from "./what-varies.ts";

/** What runs as `postern` at a machine. */
export interface Program {
  /** the Node that runs it; undefined where the file runs by itself */
  node?: string;
  file: string;
}

/** The bundle that `npm run build` has made. */
export const bundle = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");

/** A command that lasts longer never ends, however busy the machine is. */
const longestCommand = 60_000;

/** What the person in front of the browser does with the page that a command opens. */
type Answer = "Approve" | "Deny" | "nothing";

export class Machine {
  readonly #context: TestContext;
  readonly #directory: string;
  readonly #home: string;
  #gateway: Promise<TestGateway> | undefined;
  #port: number | undefined;
  #email = "ada@example.com";
  #answer: Answer = "Approve";
  /** sessions of the browser: those of the terminals that it approved end with them */
  readonly #browserSessions: string[] = [];
  #opened: Promise<void> = Promise.resolve();
  readonly #environment: Record<string, string>;

  static async start(context: TestContext, program: Program): Promise<Machine> {
    const directory = mkdtempSync(join(tmpdir(), "postern-session-"));
    context.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
    const machine = new Machine(context, directory);
    machine.#installProgram("postern", program);
    machine.#installProgram("cloudflared", program);
    await machine.#installBrowser();
    return machine;
  }

  private constructor(context: TestContext, directory: string) {
    this.#context = context;
    this.#directory = directory;
    this.#home = join(directory, "ada");
    mkdirSync(this.#home);
    mkdirSync(join(directory, "bin"));
    this.#environment = {
      PATH: `${join(directory, "bin")}:/usr/local/bin:/usr/bin:/bin`,
      HOME: this.#home,
      LANG: "C.UTF-8",
      TZ: "UTC",
      // No command gives up because the machine is busy.
      POSTERN_REQUEST_TIMEOUT: "60s",
    };
  }

  /** Runs a command line in a shell, in the home directory. */
  async run(lines: readonly string[]): Promise<Outcome> {
    const text = lines.join("\n");
    if (text.includes(portInText)) await this.#startedGateway();
    const child = spawn("/bin/sh", ["-c", asTyped(text, this.#place())], {
      cwd: this.#home,
      env: this.#environment,
      // A group of its own: what the shell started ends with it.
      detached: true,
    });
    const end = () => endGroup(child);
    this.#context.after(end);
    const timer = setTimeout(end, longestCommand);
    const running = watchProcess(child);
    child.stdin.end();
    const status = await running.ended;
    clearTimeout(timer);
    await this.#opened;
    const [stdout, stderr] = [running.stdout(), running.stderr()].map((output) =>
      asWritten(output, this.#place()),
    );
    return { stdout: stdout ?? "", stderr: stderr ?? "", status };
  }

  /** Makes the case what a directive says. */
  async arrange(directive: string): Promise<void> {
    const [first = "", ...others] = directives.filter(({ form }) => form.test(directive));
    if (typeof first === "string" || others.length > 0)
      throw new Error(`unknown directive: ${directive}; test/cli/README.md lists them`);
    await first.arrange(this, ...(first.form.exec(directive) ?? []).slice(1));
  }

  async signIn(host: string, email = this.#email): Promise<void> {
    this.somebodyAnswers(email, "Approve");
    const url = `http://${host}:${portInText}`;
    const { status, stderr } = await this.run([`postern access login ${url}`]);
    if (status !== 0) throw new Error(`no sign-in to ${host}: ${stderr}`);
  }

  somebodyAnswers(email: string, answer: Answer): void {
    this.#email = email;
    this.#answer = answer;
  }

  async endSessions(): Promise<void> {
    const { parts } = await this.#startedGateway();
    for (const id of this.#browserSessions.splice(0)) await parts.sessions.end(id);
  }

  async stopGateway(): Promise<void> {
    await (await this.#startedGateway()).close();
  }

  /** As if the gateway had not been asked for a while. */
  letTimePass(): void {
    letTimePass(join(this.#home, ".config/postern"));
  }

  setVariable(name: string, value: string): void {
    this.#environment[name] = asTyped(value, this.#place());
  }

  #place(): Place {
    return { home: this.#home, port: this.#port };
  }

  #startedGateway(): Promise<TestGateway> {
    this.#gateway ??= this.#startGateway();
    return this.#gateway;
  }

  async #startGateway(): Promise<TestGateway> {
    const upstream = await startUpstream();
    upstream.answerWith(({ method, headers, url }, response, { ended }) => {
      const name = headers.host?.split(":")[0];
      void ended.then(() => response.end(`${method} ${url} at ${name}\n`));
    });
    const service = await startTcpService(this.#context);
    const all = sections(upstream.origin, service.address);
    const gateway = await startGateway({ sections: all });
    this.#port = gateway.port;
    this.#context.after(async () => {
      await gateway.close();
      await upstream.close();
    });
    return gateway;
  }

  #installProgram(name: string, { node, file }: Program): void {
    const link = join(this.#directory, name);
    symlinkSync(file, link);
    const words = node === undefined ? [link] : [node, link];
    this.#installScript(name, `exec ${words.map((word) => `'${word}'`).join(" ")} "$@"`);
  }

  #installScript(name: string, line: string): string {
    const path = join(this.#directory, "bin", name);
    writeFileSync(path, `#!/bin/sh\n${line}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** A browser that tells this process which page it was to open. */
  async #installBrowser(): Promise<void> {
    const server = createServer((request, response) => {
      const page = decodeURIComponent(request.url?.slice(1) ?? "");
      this.#opened = this.#visit(page);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#context.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const ask = `require("http").get("http://127.0.0.1:${port}/" + encodeURIComponent(process.argv[1]))`;
    const line = `exec '${process.execPath}' -e '${ask}' "$1"`;
    this.#environment["BROWSER"] = this.#installScript("browser", line);
  }

  /** The person looks at the page, and presses a button of it. */
  async #visit(page: string): Promise<void> {
    if (this.#answer === "nothing") return;
    const person = await this.#person();
    await person.open(page);
    for (;;) {
      const [, seconds, next] = /^(\d+); url=(.*)$/.exec(`${person.page.headers["refresh"]}`) ?? [];
      const isApproval = person.page.text.includes(`>${this.#answer}<`);
      if (isApproval) await person.press(this.#answer);
      if (isApproval || seconds === undefined || next === undefined) return;
      await person.open(new URL(next, person.page.url).href);
    }
  }

  /** A browser in which the person is signed in at the team domain. */
  async #person(): Promise<Person> {
    const { parts, team } = await this.#startedGateway();
    const session = await parts.sessions.start({
      kind: "browser",
      identity: identityOf(this.#email),
      userAgent: "Firefox",
      lifetimeMs: 24 * 3600_000,
    });
    this.#browserSessions.push(session.id);
    const orgToken = await parts.tokens.issueOrg(session);
    const cookies = new Map([["CF_Authorization", orgToken]]);
    return new Person(new Map([[new URL(team).hostname, cookies]]));
  }
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function identityOf(email: string) {
  return {
    email,
    name: email.startsWith("ada") ? "Ada" : "Bob",
    idp: { id: "pin", type: "onetimepin" as const },
    groups: [],
    oidc_fields: {},
    amr: [],
    ip: "127.0.0.1",
    country: "",
    iat: Math.floor(Date.now() / 1000),
  };
}

interface Directive {
  form: RegExp;
  arrange(machine: Machine, ...words: string[]): void | Promise<void>;
}

/** The directives; README.md describes them. */
const directives: readonly Directive[] = [
  {
    form: /^signed in to (\S+?)(?: as (\S+))?$/,
    arrange: (machine, host = "", email) => machine.signIn(host, email),
  },
  {
    form: /^(\S+@\S+) will (approve|deny|do nothing)$/,
    arrange: (machine, email = "", word = "") => machine.somebodyAnswers(email, answerOf(word)),
  },
  { form: /^the sessions end at the gateway$/, arrange: (machine) => machine.endSessions() },
  { form: /^the gateway stops$/, arrange: (machine) => machine.stopGateway() },
  { form: /^a while passes$/, arrange: (machine) => machine.letTimePass() },
  {
    form: /^(\w+)=(.*)$/,
    arrange: (machine, name = "", value = "") => machine.setVariable(name, value),
  },
];

function answerOf(word: string): Answer {
  if (word === "approve") return "Approve";
  return word === "deny" ? "Deny" : "nothing";
}
