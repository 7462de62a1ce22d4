// The commands of README and docs/, run as they stand there, on another port and with this
// machine's names in place of example.com. test/checks/documents.test.ts says which blocks are run
// by another test, or cannot be.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { signInByHttp } from "../../demo/approve.ts";
import { type Running, temporaryHome, watchProcess } from "../support/cli.ts";
import { type Block, documentBlocks, root } from "../support/documents.ts";
import { freePort } from "../support/free-port.ts";
import { needs } from "../support/requirements.ts";
import { certificateFor } from "../support/tls.ts";

const ada = "ada@example.com";
const program = join(root, "packages/cli/dist/postern.cjs");

/** A person's machine: a home, `postern` in PATH, and the files that examples name. */
class Machine {
  readonly port: number;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  /** the gateway that serves now */
  #gateway: Running | undefined;

  constructor(context: TestContext, port: number, gatewayPort: number) {
    this.port = port;
    this.#folder = temporaryHome(context);
    for (const each of ["bin", ".local/bin", "work/backup", "work/backup-of-keys"])
      mkdirSync(join(this.#folder, each), { recursive: true });
    symlinkSync(program, join(this.#folder, "bin/postern"));
    this.#write("order.json", "{}\n");
    this.#write("postern.yaml", configuration(gatewayPort));
    this.#write("new.yaml", configuration(gatewayPort));
    this.#write("internal-ca.pem", readFileSync(certificateFor(context, ["a.test"]).ca_file));
    const folders = [join(this.#folder, ".local/bin"), join(this.#folder, "bin")];
    this.#environment = {
      HOME: this.#folder,
      POSTERN_HOME: join(this.#folder, "state"),
      PATH: [...folders, process.env["PATH"]].join(delimiter),
    };
    context.after(() => this.#endGateway());
  }

  /** Runs a command of a document; one that serves goes on until the next such, or the end. */
  async run(line: string): Promise<void> {
    const command = this.#localized(line);
    if (/\bpostern (dev|gateway (?!--check))/.test(command)) return this.#serve(command);
    const [origin] = /https?:\/\/[^/\s)]+/.exec(command) ?? [];
    if (/\baccess (curl|token|put|whoami)\b/.test(command)) await this.#signIn(origin ?? "");
    const running = this.#start(command);
    if (/\baccess login\b/.test(command)) await this.#approve(running);
    const status = await running.ended;
    assert.equal(status, 0, `${command}\n${running.stdout()}${running.stderr()}`);
  }

  async #serve(command: string): Promise<void> {
    await this.#endGateway();
    this.#gateway = this.#start(command);
    await this.#gateway.until(/Postern is up|gateway is up/);
  }

  /** Nobody is asked without a terminal, so whoever uses a token signs in before. */
  async #signIn(origin: string): Promise<void> {
    const login = this.#start(`postern access login ${origin} --no-browser`);
    const hasToken = login.ended.then((status) => status === 0);
    const asks = login.until(/\/cdn-cgi\/access\/cli[/?]/).then(() => this.#approve(login));
    await Promise.race([hasToken, asks.catch(() => undefined)]);
    assert.equal(await login.ended, 0, login.stderr());
  }

  async #approve(login: Running): Promise<void> {
    const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
    const visitor = await signInByHttp(url, ada, (email) => this.#pin(email));
    await visitor.press("Approve");
  }

  /** The newest one: each sign-in has its own. */
  async #pin(email: string): Promise<string> {
    const [, pin = ""] =
      (await this.#gateway?.until(new RegExp(`PIN for ${email}: (\\d+)(?![\\s\\S]*PIN for)`))) ??
      [];
    return pin;
  }

  #start(command: string): Running {
    // Links are made and files copied in the checkout; all else is done anywhere.
    const cwd = /\$PWD|packages\//.test(command) ? root : join(this.#folder, "work");
    return watchProcess(spawn("bash", ["-c", command], { cwd, env: this.#environment }));
  }

  #localized(line: string): string {
    const work = join(this.#folder, "work");
    return line
      .replaceAll(":8600", `:${this.port}`)
      .replace(/\bpostern dev\b/, `postern dev --port ${this.port}`)
      .replaceAll("https://api.example.com", `http://localhost:${this.port}`)
      .replaceAll("forget api.example.com", `forget localhost:${this.port}`)
      .replaceAll("/etc/postern/", `${work}/`)
      .replaceAll("/var/lib/postern/", `${work}/data/`)
      .replaceAll(/(?<= |")\/(?=backup)/g, `${work}/`);
  }

  #write(name: string, content: string | Buffer): void {
    writeFileSync(join(this.#folder, "work", name), content);
  }

  async #endGateway(): Promise<void> {
    this.#gateway?.child.kill("SIGTERM");
    await this.#gateway?.ended;
    this.#gateway = undefined;
  }
}

/** The postern.yaml of an operator who tries the commands. */
function configuration(port: number): string {
  return `auth_domain: login.localhost:${port}
listen: 127.0.0.1:${port}
ingress: [{service: "http_status:404"}]
`;
}

function commandsOf({ text }: Block): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "");
}

const commandBlocks = documentBlocks().filter(
  ({ language, mark }) => language === "sh" && mark === undefined,
);

for (const [document, blocks] of Map.groupBy(commandBlocks, (block) => block.document)) {
  test(
    `the commands of ${document} do what it says`,
    needs("bash", "curl", "wget", "openssl", "sqlite3"),
    async (context) => {
      const machine = new Machine(context, await freePort(), await freePort());
      const commands = blocks.flatMap(commandsOf);
      // What is about an application has one from the start.
      await machine.run("postern dev");
      for (const command of commands) await machine.run(command);
    },
  );
}
