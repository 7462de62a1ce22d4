// `access put`: any Unix tool, with a credential in its requests. Arguments that are URLs of a
// protected application get a pass, worth that URL and ten minutes, because others can read a
// tool's arguments.
import { headers } from "@postern/protocol/endpoints";
import { type AppUrl, readAppUrl, withTokenArgument } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { cookieFile, hasToken } from "../../curl/cookie-file.ts";
import { CliError } from "../../exit-status.ts";
import { requestPass } from "../../gateway-client/pass.ts";
import { applicationFor, bareCredentialFor, type Credential } from "../../sign-in/credential.ts";
import {
  onlyForPeople,
  readMachineCredential,
  withoutMachineCredentials,
} from "../../sign-in/machine-credential.ts";
import type { Application } from "../../store/known-hosts.ts";
import { findTool } from "../../tool/find-tool.ts";
import { loopbackEnvironment } from "../../tool/loopback-environment.ts";
import { runTool } from "../../tool/run-tool.ts";
import { SecretDescriptors } from "../../tool/secret-descriptor.ts";
import { urlKeeper } from "../../tool/url-keepers.ts";
import type { Invocation } from "../command.ts";
import type { CommandLine } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { signInOptions } from "./sign-in-options.ts";

/** @returns the exit status */
export async function runPut(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const [command, ...args] = line.rest;
  if (command === undefined)
    throw new CliError(
      "usage",
      "access put needs a tool, for example: postern access put wget https://api.example.com/file",
    );
  const machine = readMachineCredential(context, line);
  if (machine !== undefined)
    throw onlyForPeople(machine, "it cannot be put into a URL; use it with: postern access curl");

  const via = readVia(line.value("via") ?? "");
  refuseWithoutEffect(line, via);
  const credentialOf = (app: AppUrl) =>
    bareCredentialFor(context, app, () =>
      signInOptions(context, line, { mayPrompt: context.onTerminal, check: false }),
    );
  const secrets = new SecretDescriptors(context);
  try {
    const tool =
      via === "env"
        ? await toolWithVariables(context, line, args, credentialOf)
        : await toolWithUrls(context, line, args, credentialOf, secrets);
    return await runTool({ command, ...tool, descriptors: secrets.descriptors }, context.tell);
  } finally {
    secrets.close();
  }
}

type CredentialOf = (app: AppUrl) => Promise<Credential>;

/** What the tool gets of us. */
interface ToolInput {
  args: string[];
  environment: NodeJS.ProcessEnv;
}

function readVia(text: string): "query" | "env" {
  if (text === "query" || text === "env") return text;
  if (text === "proxy")
    throw new CliError("usage", "--via proxy is not supported yet; use --via query or --via env");
  throw new CliError("usage", `--via ${text.slice(0, 40)} is unknown; use query or env`);
}

/** A flag that would do nothing is not taken in silence. */
function refuseWithoutEffect(line: CommandLine, via: "query" | "env"): void {
  if (via === "query" && line.value("app") !== undefined)
    throw new CliError(
      "usage",
      "--app needs --via env; without it, the tool's URLs name the application",
    );
  if (via === "env" && line.has("full-token"))
    throw new CliError(
      "usage",
      "--full-token has no effect with --via env, which puts nothing into the URL; leave out one of them",
    );
}

/** An argument that is a URL, or holds one after `=`. */
interface UrlArgument {
  index: number;
  /** what stands before the URL */
  before: string;
  app: AppUrl;
}

/**
 * The arguments that are URLs behind Access, without those of applications that are open. Others
 * are the tool's own business.
 * @throws {CliError} not_behind_access where no argument is a URL behind Access
 */
async function protectedUrls(context: Context, args: string[]): Promise<UrlArgument[]> {
  const candidates = args.flatMap((argument, index) => urlArgument(argument, index) ?? []);
  const isOnly = candidates.length === 1;
  const urls: UrlArgument[] = [];
  let hasOpen = false;
  for (const candidate of candidates) {
    const application = await knownApplication(context, candidate.app, isOnly);
    if (application?.login) urls.push(candidate);
    hasOpen ||= application?.login === false;
  }
  if (urls.length > 0 || hasOpen) return urls;
  throw new CliError(
    "not_behind_access",
    "no argument is a URL behind Access; write it with https://, or use --via env with --app URL",
  );
}

function urlArgument(argument: string, index: number): UrlArgument | undefined {
  const [, before = "", url] = /^(.*?=)?(https?:\/\/.*)$/is.exec(argument) ?? [];
  if (url === undefined) return undefined;
  try {
    return { index, before, app: readAppUrl(url) };
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

/**
 * One of several URLs that is not ours, or not there, is passed on as it is. One that cannot be
 * verified is not, nor is the only one.
 */
async function knownApplication(
  context: Context,
  app: AppUrl,
  isOnly: boolean,
): Promise<Application | undefined> {
  try {
    return await applicationFor(context, app);
  } catch (error) {
    const isElsewhere =
      error instanceof CliError && ["not_behind_access", "unreachable"].includes(error.code);
    if (isElsewhere && !isOnly) return undefined;
    throw error;
  }
}

function toolEnvironment(context: Context, apps: AppUrl[]): NodeJS.ProcessEnv {
  return loopbackEnvironment(withoutMachineCredentials(context.environment), apps);
}

/** A credential for each URL: a pass in it, unless the tool would keep that. */
async function toolWithUrls(
  context: Context,
  line: CommandLine,
  args: string[],
  credentialOf: CredentialOf,
  secrets: SecretDescriptors,
): Promise<ToolInput> {
  const urls = await protectedUrls(context, args);
  if (urls.length === 0) return { args, environment: toolEnvironment(context, []) };
  const [{ index: firstUrl } = { index: 0 }] = urls;
  const searchPath = context.environment["PATH"] ?? "";
  // The command itself comes before its arguments.
  const keeper = urlKeeper(line.rest, firstUrl + 1, (name) => findTool(name, searchPath));
  switch (keeper?.kind) {
    case undefined:
      return toolWithPasses(context, args, urls, credentialOf, line.has("full-token"));
    case "cookies": {
      const file = secrets.add(await cookiesFor(urls, credentialOf));
      return toolWithCookies(context, args, urls, keeper.index, file);
    }
    case "refused":
      throw new CliError("usage", keeper.fault);
  }
}

async function cookiesFor(urls: UrlArgument[], credentialOf: CredentialOf): Promise<string> {
  const targets = [];
  for (const { app } of urls) targets.push({ app, credential: await credentialOf(app) });
  return cookieFile(targets.filter(hasToken), "wget");
}

/** @param index of the tool among the command and its arguments */
function toolWithCookies(
  context: Context,
  args: string[],
  urls: UrlArgument[],
  index: number,
  file: string,
): ToolInput {
  const changed = [...args];
  for (const { index: position, before, app } of urls) changed[position] = before + urlToAsk(app);
  // A setting of the person's own must not write the token to a file.
  changed.splice(index, 0, `--load-cookies=${file}`, "--save-cookies=/dev/null");
  const apps = urls.map(({ app }) => app);
  return { args: changed, environment: toolEnvironment(context, apps) };
}

async function toolWithPasses(
  context: Context,
  args: string[],
  urls: UrlArgument[],
  credentialOf: CredentialOf,
  fullToken: boolean,
): Promise<ToolInput> {
  const changed = [...args];
  for (const { index, before, app } of urls) {
    const token = await passFor(context, app, credentialOf, fullToken);
    if (token !== undefined) changed[index] = before + withTokenArgument(urlToAsk(app), token);
  }
  const apps = urls.map(({ app }) => app);
  return { args: changed, environment: toolEnvironment(context, apps) };
}

/** The URL as it was written; where plain http became https for us, the tool must ask the same. */
function urlToAsk({ written, href, protocol }: AppUrl): string {
  const isUpgraded = /^http:/i.test(written) && protocol === "https:";
  return isUpgraded ? href : written;
}

/** @returns undefined where the application has become open meanwhile */
async function passFor(
  context: Context,
  app: AppUrl,
  credentialOf: CredentialOf,
  fullToken: boolean,
): Promise<string | undefined> {
  const { stored } = await credentialOf(app);
  if (stored === undefined) return undefined;
  const pass = await requestPass(context, app, stored);
  if (pass.kind === "pass") return pass.token;
  if (pass.kind === "dead") return passAfterSignIn(context, app, credentialOf);
  if (fullToken) return stored.token;
  throw new CliError(
    "failure",
    `${app.origin} does not issue passes; use --via env, or --full-token to put the token itself into the arguments, where others can read it`,
  );
}

/** The gateway ended the session that was stored here: once more from the start, and no further. */
async function passAfterSignIn(
  context: Context,
  app: AppUrl,
  credentialOf: CredentialOf,
): Promise<string> {
  const { stored } = await credentialOf(app);
  const pass = stored === undefined ? undefined : await requestPass(context, app, stored);
  if (pass?.kind === "pass") return pass.token;
  throw new CliError(
    "not_signed_in",
    `${app.origin} refused the token that was just issued; sign in with: postern access login ${app.origin}`,
  );
}

/**
 * The token itself, for a tool that knows what to do with it: in its environment and nowhere else.
 */
async function toolWithVariables(
  context: Context,
  line: CommandLine,
  args: string[],
  credentialOf: CredentialOf,
): Promise<ToolInput> {
  const url = line.value("app");
  const apps = url === undefined ? await protectedApps(context, args) : [readAppUrl(url)];
  const token = await onlyToken(apps, credentialOf);
  const environment = { ...toolEnvironment(context, apps), ...variablesOf(token) };
  return { args, environment };
}

/** An open application's tool gets none, and not those of a `put` around this one either. */
function variablesOf(token: string | undefined): NodeJS.ProcessEnv {
  if (token === undefined) return { ACCESS_TOKEN: undefined, ACCESS_HEADER: undefined };
  return { ACCESS_TOKEN: token, ACCESS_HEADER: `${headers.accessToken}: ${token}` };
}

async function protectedApps(context: Context, args: string[]): Promise<AppUrl[]> {
  const urls = await protectedUrls(context, args);
  return urls.map(({ app }) => app);
}

/** @returns undefined where all of them are open */
async function onlyToken(apps: AppUrl[], credentialOf: CredentialOf): Promise<string | undefined> {
  const tokens = new Set<string>();
  for (const app of apps) {
    const { stored } = await credentialOf(app);
    if (stored !== undefined) tokens.add(stored.token);
  }
  const [token] = tokens;
  if (tokens.size > 1)
    throw new CliError(
      "usage",
      "the arguments belong to several applications; name the one whose token you want with --app URL",
    );
  return token;
}
