// `access put --via env`: the token in the tool's environment.
import { headers } from "@postern/protocol/endpoints";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import type { CommandLine } from "../command-line.ts";
import { type CredentialOf, protectedUrls, type ToolInput, toolEnvironment } from "./put-urls.ts";

/**
 * The token itself, for a tool that knows what to do with it: in its environment and nowhere else.
 */
export async function toolWithVariables(
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
