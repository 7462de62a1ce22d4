// `access put`: any Unix tool, with a credential in its requests. Arguments that are URLs of a
// protected application get a pass: worth that URL and ten minutes, because a tool's arguments can
// be read by others.

import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { requestPass } from "../../gateway-client/pass.ts";
import { applicationFor, type Credential, credentialFor } from "../../sign-in/credential.ts";
import { readServiceToken, withoutServiceToken } from "../../sign-in/service-token.ts";
import { writeOutput } from "../../standard-output.ts";
import { loopbackEnvironment } from "../../tool/loopback-environment.ts";
import { runTool } from "../../tool/run-tool.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { type CommandLine, commonFlags, loginFlags, readCommandLine } from "../command-line.ts";

const flags = {
  values: ["via", "app"],
  switches: ["full-token"],
  stopAtFirstArgument: true,
} as const;

/** An argument that is a URL, or holds one after `=`. */
interface UrlArgument {
  index: number;
  /** what stands before the URL */
  before: string;
  app: AppUrl;
}

/** @returns the exit status */
export async function runPut(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags, loginFlags, flags);
  if (line.has("help")) {
    writeOutput((await import("../help.ts")).helpFor("access put"));
    return 0;
  }
  const context = contextOf(surroundings, line);
  const [command, ...rest] = line.rest;
  if (command === undefined)
    throw new CliError(
      "usage",
      "access put needs a tool: postern access put wget https://api.example.com/file",
    );
  if (readServiceToken(context, line) !== undefined) {
    throw new CliError(
      "usage",
      "a service token cannot be put into a URL; use it with postern access curl",
    );
  }
  const via = line.value("via") ?? "query";
  if (via === "proxy")
    throw new CliError("usage", "--via proxy is not supported yet; use --via query or --via env");
  if (via !== "query" && via !== "env")
    throw new CliError("usage", `--via ${via.slice(0, 40)} is unknown; it is query or env`);
  const named = via === "env" ? line.value("app") : undefined;
  const urls = named === undefined ? await protectedUrls(context, rest) : [];
  const apps = named === undefined ? urls.map(({ app }) => app) : [readAppUrl(named)];
  const environment = loopbackEnvironment(withoutServiceToken(context.environment), apps);
  const tool =
    via === "env"
      ? {
          args: rest,
          environment: { ...environment, ...(await tokenVariables(context, line, apps)) },
        }
      : { args: await withPasses(context, line, rest, urls), environment };
  return runTool({ command, ...tool, descriptors: [] }, context.say);
}

/**
 * The arguments that are URLs behind Access. Others are the tool's own business, reachable or not.
 */
async function protectedUrls(context: Context, args: string[]): Promise<UrlArgument[]> {
  const candidates = args.flatMap((argument, index) => {
    const found = /^(.*?=)?(https?:\/\/.*)$/is.exec(argument);
    const url = found?.[2];
    if (url === undefined) return [];
    try {
      return [{ index, before: found?.[1] ?? "", app: readAppUrl(url) }];
    } catch (error) {
      if (error instanceof CliError) return [];
      throw error;
    }
  });
  const found: UrlArgument[] = [];
  for (const candidate of candidates) {
    try {
      if ((await applicationFor(context, candidate.app)).login) found.push(candidate);
    } catch (error) {
      // One that is simply not ours, or not there, is passed on as it is; one that could not be
      // verified is not.
      if (
        !(error instanceof CliError) ||
        !["not_behind_access", "unreachable"].includes(error.code)
      )
        throw error;
      if (candidates.length === 1) throw error;
    }
  }
  return found;
}

async function withPasses(
  context: Context,
  line: CommandLine,
  args: string[],
  urls: UrlArgument[],
): Promise<string[]> {
  if (urls.length === 0) {
    throw new CliError(
      "not_behind_access",
      "no argument is a URL behind Access; write it with https://, or use --via env with --app URL",
    );
  }
  const result = [...args];
  for (const { index, before, app } of urls) {
    const token = await passFor(context, line, app);
    result[index] = before + withToken(app, token);
  }
  return result;
}

/** The URL as it was written, with the credential behind its query. */
function withToken(app: AppUrl, token: string): string {
  // Plain http became https before anything was sent; the tool must ask the same.
  const secure = /^http:/i.test(app.written) && app.protocol === "https:";
  const url = secure ? app.href : app.written;
  const hash = url.indexOf("#");
  const [start, fragment] = hash < 0 ? [url, ""] : [url.slice(0, hash), url.slice(hash)];
  return `${start}${start.includes("?") ? "&" : "?"}token=${token}${fragment}`;
}

async function passFor(context: Context, line: CommandLine, app: AppUrl): Promise<string> {
  const { stored } = await credentialFor(context, app, line, context.onTerminal);
  if (stored === undefined)
    throw new CliError(
      "not_behind_access",
      `policy lets everybody reach ${app.bare}; run the tool by itself`,
    );
  const pass = await requestPass(context, app, stored);
  if (pass.kind === "pass") return pass.token;
  if (pass.kind === "none") {
    if (line.has("full-token")) return stored.token;
    throw new CliError(
      "failure",
      `${app.origin} has no passes; use --via env, or --full-token to put the token itself into the arguments, where others can read it`,
    );
  }
  // The gateway ended the session that we still had stored: once more from the start, and no
  // further.
  const again = await credentialFor(context, app, line, context.onTerminal);
  const second =
    again.stored === undefined ? undefined : await requestPass(context, app, again.stored);
  if (second?.kind === "pass") return second.token;
  throw new CliError(
    "not_signed_in",
    `${app.origin} refuses the token that was just issued; sign in with: postern access login ${app.origin}`,
  );
}

/**
 * The token itself, for a tool that knows what to do with it: in its environment and nowhere else.
 */
async function tokenVariables(
  context: Context,
  line: CommandLine,
  apps: AppUrl[],
): Promise<Record<string, string>> {
  const credentials: Credential[] = [];
  for (const app of apps)
    credentials.push(await credentialFor(context, app, line, context.onTerminal));
  const tokens = new Set(
    credentials.map(({ stored }) => stored?.token).filter((token) => token !== undefined),
  );
  const [token] = tokens;
  if (token === undefined)
    throw new CliError(
      "usage",
      "no argument is a URL behind Access; name the application with --app URL",
    );
  if (tokens.size > 1)
    throw new CliError(
      "usage",
      "the arguments belong to several applications; name the one whose token is wanted with --app URL",
    );
  return { ACCESS_TOKEN: token, ACCESS_HEADER: `cf-access-token: ${token}` };
}
