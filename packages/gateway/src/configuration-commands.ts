// Configuration as code at the command line: what a gateway has, as a file; what a file would
// change; and the change. Whatever is said, nothing secret is in it.

import { printable } from "@postern/protocol/printable";
import type { Account } from "./apply/account.ts";
import { connectAccount } from "./apply/api-account.ts";
import { ApiClient } from "./apply/api-client.ts";
import type { MissingSecret } from "./apply/changes.ts";
import { readCloudflare } from "./apply/cloudflare-account.ts";
import { exportText } from "./apply/export-text.ts";
import { fieldChanges } from "./apply/field-changes.ts";
import { importObjects } from "./apply/import-objects.ts";
import { countLine, labelOf, otherLines, planLines } from "./apply/plan-text.ts";
import { readFile } from "./apply/read-file.ts";
import { storeAccount } from "./apply/store-account.ts";
import { readWanted, type Wanted } from "./apply/wanted.ts";
import {
  type CommandCall,
  isOn,
  type Output,
  onlyArgument,
  refuseArguments,
  valueIn,
} from "./command-call.ts";
import { ConfigError } from "./config/config-error.ts";
import { readDocument } from "./config/document.ts";
import { readNamedFile } from "./config/fill-in.ts";
import type { Config } from "./config/load-config.ts";
import { defined } from "./defined.ts";
import type { RandomBytes } from "./random.ts";
import type { SecretBox } from "./secrets/secret-box.ts";
import type { Store } from "./storage/store.ts";
import { UsageError } from "./usage-error.ts";

/** Which gateway is meant: by its admin API, or by its own file, for the store that it names. */
export interface AccountAddress {
  /** of the admin API */
  url?: string;
  /** an admin token, or the file that holds one */
  token?: string;
  tokenFile?: string;
  config?: string;
}

interface CommandTools {
  environment: Readonly<Record<string, string | undefined>>;
  withStore<Result>(
    file: string,
    use: (parts: { store: Store; secretBox: SecretBox; config: Config }) => Promise<Result>,
  ): Promise<Result>;
  randomBytes: RandomBytes;
  now(): number;
}

/** A file and a gateway. */
export interface ApplyOptions {
  file: string;
  account: AccountAddress;
  /** deletes what the file does not have */
  prune: boolean;
  isJson: boolean;
}

function optionsIn(call: CommandCall, account: AccountAddress): ApplyOptions {
  const file = onlyArgument(call, "a file", valueIn(call, "file"));
  return { file, account, prune: isOn(call, "prune"), isJson: isOn(call, "json") };
}

/** The commands. */
export class ConfigurationCommands {
  readonly #tools: CommandTools;

  constructor(tools: CommandTools) {
    this.#tools = tools;
  }

  /** `postern export` */
  export(call: CommandCall, output: Output): Promise<void> {
    refuseArguments(call.args, call.command);
    return this.exportConfiguration({ account: this.#accountIn(call) }, output);
  }

  /** `postern apply FILE` */
  apply(call: CommandCall, output: Output): Promise<void> {
    const options = optionsIn(call, this.#accountIn(call));
    return this.applyConfiguration({ ...options, isTrial: isOn(call, "dry-run") }, output);
  }

  /**
   * `postern diff FILE`
   * @returns as `diff` does: 0 nothing differs, 1 something does, 2 it could not be found out
   */
  async diff(call: CommandCall, output: Output): Promise<number> {
    const options = optionsIn(call, this.#accountIn(call));
    try {
      return (await this.diffConfiguration(options, output)) ? 1 : 0;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      for (const line of message.split("\n")) output.tell(line);
      return 2;
    }
  }

  /**
   * `postern import cloudflare`: an account at Cloudflare as a file of ours.
   * @throws {Error} when it cannot be read
   */
  async import(call: CommandCall, { tell, print }: Output): Promise<void> {
    const from = onlyArgument(call, "the name of what to import from");
    if (from !== "cloudflare") throw new UsageError("import takes cloudflare, and nothing else");
    const { environment } = this.#tools;
    const { CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_ACCOUNT_ID: accountId } = environment;
    if (token === undefined || accountId === undefined)
      throw new UsageError(
        "import cloudflare wants CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID in the environment",
      );
    const base = valueIn(call, "url") ?? environment["CLOUDFLARE_BASE_URL"] ?? cloudflareApi;
    const told = (line: string) => tell(printable(line));
    const account = await readCloudflare(new ApiClient(base, token), accountId, told);
    const { objects, remarks } = importObjects(account);
    const { text, missing } = exportText(objects, importHeading);
    for (const remark of remarks) told(remark);
    for (const line of faultsOf(text)) told(`to be mended before it is applied: ${line}`);
    if (missing.length > 0) tell("These secrets cannot come:");
    for (const each of missing) tell(missingText(each));
    print(text);
  }

  #accountIn(call: CommandCall): AccountAddress {
    const { environment } = this.#tools;
    const config = valueIn(call, "config");
    const anyUrl = config === undefined ? environment["POSTERN_ADMIN_URL"] : undefined;
    return defined({
      config,
      url: valueIn(call, "url") ?? anyUrl,
      token: environment["POSTERN_ADMIN_TOKEN"],
      tokenFile: valueIn(call, "token-file") ?? environment["POSTERN_ADMIN_TOKEN_FILE"],
    });
  }

  /**
   * `postern export`: the objects of a gateway as a file.
   * @throws {Error} when they cannot be read
   */
  exportConfiguration(
    { account }: { account: AccountAddress },
    { tell, print }: Output,
  ): Promise<void> {
    return this.#withAccount(account, async (gateway) => {
      const { text, missing } = exportText(await gateway.read(), exportHeading);
      print(text);
      if (missing.length > 0) tell("These secrets are not exported:");
      for (const each of missing) tell(missingText(each));
    });
  }

  /**
   * `postern diff FILE`: what `apply` would change.
   * @returns whether there is anything
   * @throws {ConfigError} when the file is wrong, with a line for each mistake
   */
  diffConfiguration(options: ApplyOptions, output: Output): Promise<boolean> {
    return this.#withAccount(options.account, async (gateway) => {
      const { wanted, answer } = await this.#plan(gateway, options, output);
      const { changes } = answer;
      if (options.isJson) output.print(json(changes));
      else output.print(lines([...planLines(changes), ...this.#rest(wanted, answer, options)]));
      return changes.length > 0;
    });
  }

  /**
   * `postern apply FILE`
   * @throws {ConfigError} when the file is wrong, with a line for each mistake; nothing has changed
   */
  applyConfiguration(options: ApplyOptions & { isTrial: boolean }, output: Output): Promise<void> {
    return this.#withAccount(options.account, async (gateway) => {
      const { wanted, answer } = await this.#plan(gateway, options, output);
      const { changes } = answer;
      const isDone = !options.isTrial && changes.length > 0;
      if (!options.isJson) output.print(lines(planLines(changes)));
      if (isDone) {
        const done = await gateway.change(wanted.request, false);
        if (!done.ok) throw new ConfigError(done.problems.map(wanted.describe).join("\n"));
      }
      if (options.isJson) output.print(json(changes));
      else output.print(lines(this.#rest(wanted, answer, { ...options, isDone })));
      for (const each of answer.missing) output.tell(standInText(each));
    });
  }

  /** Reads both sides, and has the gateway judge the difference: nothing is changed yet. */
  async #plan(gateway: Account, { file, prune }: ApplyOptions, { tell }: Output) {
    const document = readFile(file, this.#tools.environment);
    const wanted = readWanted(document, await gateway.read(), { prune });
    const { put, remove } = wanted.request;
    const isNothing = put.length + remove.length === 0;
    const answer = isNothing ? nothing : await gateway.change(wanted.request, true);
    if (!answer.ok) throw new ConfigError(answer.problems.map(wanted.describe).join("\n"));
    if (wanted.notApplied.length > 0)
      tell(`not applied, since a gateway is started with it: ${wanted.notApplied.join(", ")}`);
    for (const warning of answer.warnings) tell(`warning: ${wanted.describe(warning)}`);
    return { wanted, answer };
  }

  #rest(
    { unchanged, others, request }: Wanted,
    { changes }: typeof nothing,
    { prune, isDone = false }: { prune: boolean; isDone?: boolean },
  ): string[] {
    const put = changes.filter(({ action }) => action !== "deleted").length;
    const same = unchanged + request.put.length - put;
    return [...(prune ? [] : otherLines(others)), countLine(changes, same, isDone)];
  }

  async #withAccount<Result>(
    address: AccountAddress,
    use: (account: Account) => Promise<Result>,
  ): Promise<Result> {
    const { url, config } = address;
    if ((url === undefined) === (config === undefined))
      throw new UsageError(
        "say which gateway is meant: --url URL for its admin API, or --config FILE for its store",
      );
    if (url !== undefined) return use(await connectAccount(url, tokenIn(address)));
    const { withStore, randomBytes, now } = this.#tools;
    return withStore(config ?? "", ({ store, secretBox, config }) =>
      use(storeAccount({ store, secretBox, config, randomBytes, now })),
    );
  }
}

/** @throws {UsageError} when there is none */
function tokenIn({ token, tokenFile }: AccountAddress): string {
  const text = tokenFile === undefined ? token : readNamedFile(tokenFile)?.trim();
  if (text !== undefined && text !== "") return text;
  throw new UsageError(
    tokenFile === undefined
      ? "the admin API wants a token: put one into POSTERN_ADMIN_TOKEN, or name a file with --token-file"
      : `${JSON.stringify(tokenFile)} holds no token, or cannot be read`,
  );
}

const nothing: Extract<Awaited<ReturnType<Account["change"]>>, { ok: true }> = {
  ok: true,
  changes: [],
  missing: [],
  warnings: [],
};

const cloudflareApi = "https://api.cloudflare.com/client/v4";

const importHeading = [
  "The objects of a Cloudflare account, for `postern apply`. What could not come was said when",
  "this was written.",
];

/** What is wrong with a file as a whole, as `apply` would say it. */
function faultsOf(text: string): string[] {
  try {
    readWanted(readDocument({ text, file: "line", environment: {} }), [], { prune: false });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}

const exportHeading = [
  "The objects of a gateway, for `postern apply`. What a gateway is started with (auth_domain,",
  "listen, store, ingress and the like) is in its own file.",
];

function missingText({ kind, name, field }: MissingSecret): string {
  return printable(`  ${labelOf(kind, name)}: ${field}`);
}

function standInText({ kind, name, field }: MissingSecret): string {
  const what = `${labelOf(kind, name)} has no ${field} that anybody knows`;
  return printable(
    kind === "service_token"
      ? `${what}; make one by the API (rotate), or write client_secret into the file`
      : `${what}; write it into the file, and apply it again`,
  );
}

function lines(all: readonly string[]): string {
  return all.length === 0 ? "" : `${all.join("\n")}\n`;
}

function json(changes: readonly { before?: unknown; after?: unknown }[]): string {
  const shown = changes.map(({ before, after, ...change }) => ({
    ...change,
    fields: before === undefined || after === undefined ? [] : fieldChanges(before, after),
  }));
  return `${JSON.stringify({ changes: shown }, undefined, 2)}\n`;
}
