// `access put --via query`: a pass in each URL, worth that URL and ten minutes, because others can
// read a tool's arguments. A tool that would keep the URL gets none in it.
import { type AppUrl, withTokenArgument } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { cookieFile, hasToken } from "../../curl/cookie-file.ts";
import { CliError } from "../../exit-status.ts";
import { requestPass } from "../../gateway-client/pass.ts";
import { findTool } from "../../tool/find-tool.ts";
import type { SecretDescriptors } from "../../tool/secret-descriptor.ts";
import { urlKeeper } from "../../tool/url-keepers.ts";
import type { CommandLine } from "../command-line.ts";
import {
  type CredentialOf,
  protectedUrls,
  type ToolInput,
  toolEnvironment,
  type UrlArgument,
  urlToAsk,
} from "./put-urls.ts";

/** A credential for each URL: a pass in it, unless the tool would keep that. */
export async function toolWithUrls(
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
