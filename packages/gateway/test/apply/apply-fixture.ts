// Two gateways, and the commands as somebody runs them who has a token of each.
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryHome } from "../../../../test/support/cli.ts";
import { type ApplyOptions, ConfigurationCommands } from "../../src/configuration-commands.ts";
import type { AdminFixture } from "../admin/admin-fixture.ts";

/** What a command said, and how it ended. */
export interface Said {
  /** standard output */
  printed: string;
  /** lines of standard error */
  told: string[];
  /** what it threw, or undefined */
  error: (Error & { code?: string }) | undefined;
  /** what it returned */
  result: unknown;
}

/** The commands for one gateway. */
export class Administrator {
  readonly #gateway: AdminFixture;
  readonly #folder: string;
  readonly #environment: Record<string, string>;

  constructor(context: TestContext, gateway: AdminFixture, environment = {}) {
    this.#gateway = gateway;
    this.#folder = temporaryHome(context);
    this.#environment = environment;
  }

  /** Writes a file. @returns its path */
  file(text: string): string {
    const path = join(this.#folder, "objects.yaml");
    writeFileSync(path, text);
    return path;
  }

  export(): Promise<Said> {
    const { account } = this;
    return this.#run((commands, output) => commands.exportConfiguration({ account }, output));
  }

  diff(text: string, options: Partial<ApplyOptions> = {}): Promise<Said> {
    const given = { ...this.#options(text), ...options };
    return this.#run((commands, output) => commands.diffConfiguration(given, output));
  }

  apply(text: string, options: Partial<ApplyOptions & { isTrial: boolean }> = {}): Promise<Said> {
    const given = { ...this.#options(text), isTrial: false, ...options };
    return this.#run((commands, output) => commands.applyConfiguration(given, output));
  }

  get account() {
    return { url: this.#gateway.address, token: this.#gateway.api.secret };
  }

  #options(text: string): ApplyOptions {
    return { file: this.file(text), account: this.account, prune: false, isJson: false };
  }

  async #run(
    command: (
      commands: ConfigurationCommands,
      output: { tell(line: string): void; print(text: string): void },
    ) => Promise<unknown>,
  ): Promise<Said> {
    const said: Said = { printed: "", told: [], error: undefined, result: undefined };
    const commands = new ConfigurationCommands({
      environment: this.#environment,
      withStore: () => Promise.reject(new Error("no store is opened here")),
      randomBytes,
      now: Date.now,
    });
    try {
      said.result = await command(commands, {
        tell: (line) => said.told.push(line),
        print: (text) => {
          said.printed += text;
        },
      });
    } catch (error) {
      said.error = error as Error;
    }
    return said;
  }
}
