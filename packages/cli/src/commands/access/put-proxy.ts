// `access put --via proxy`: for the time of the run a proxy of this process stands for each
// application, and the tool's URLs lead to it. No credential is in the tool's arguments,
// environment or memory (ADR 0023).
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { oneAddress } from "../../local-proxy/listen-place.ts";
import { type LocalProxy, startLocalProxy } from "../../local-proxy/local-proxy.ts";
import { applicationFor } from "../../sign-in/credential.ts";
import {
  type MachineCredential,
  readMachineCredential,
  withoutMachineCredentials,
} from "../../sign-in/machine-credential.ts";
import { gitRewrites } from "../../tool/git-rewrites.ts";
import { loopbackEnvironment } from "../../tool/loopback-environment.ts";
import { runTool } from "../../tool/run-tool.ts";
import { proxiedTool } from "../../tool/url-keepers.ts";
import type { CommandLine } from "../command-line.ts";
import { type Asker, openedSource } from "./opened-source.ts";
import { protectedUrls, type ToolInput, type UrlArgument } from "./put-urls.ts";

/** @returns the exit status: the tool's */
export async function runBehindProxies(
  context: Context,
  line: CommandLine,
  command: string,
  args: string[],
): Promise<number> {
  const machine = readMachineCredential(context, line);
  const urls = await protectedUrls(context, args);
  const isGit = runsGit([command, ...args], urls);
  const proxies = await startProxies({ context, line, machine }, urls);
  try {
    const environment = environmentFor(context, machine, proxies);
    const tool = isGit
      ? gitInput(args, environment, urls, proxies)
      : { args: localArguments(args, urls, proxies), environment };
    return await runTool({ command, ...tool, descriptors: [], needsUs: true }, context.tell);
  } finally {
    for (const proxy of proxies.values()) proxy.close();
  }
}

/**
 * Whether git is the tool, which can be told of the proxy apart from the URL.
 * @throws {CliError} usage, for one that would write the URL down
 */
function runsGit(words: readonly string[], [first]: readonly UrlArgument[]): boolean {
  if (first === undefined) return false;
  const kind = proxiedTool(words, first.index + 1);
  if (kind !== "keeps-url") return kind === "git";
  throw new CliError(
    "usage",
    `${words[0]} keeps the URL, which leads nowhere after the run; serve the application for longer with: postern access http ${first.app.origin} --url localhost:8080`,
  );
}

/** One for each application's origin. */
type Proxies = ReadonlyMap<string, LocalProxy>;

async function startProxies(asker: Asker, urls: readonly UrlArgument[]): Promise<Proxies> {
  const { context } = asker;
  const proxies = new Map<string, LocalProxy>();
  for (const { app } of urls) {
    // Each URL may be of an application of its own: whoever is not let in learns it now.
    const application = await applicationFor(context, app);
    const source = await openedSource(asker, app);
    if (proxies.has(app.origin)) continue;
    const { team } = application;
    proxies.set(
      app.origin,
      await startLocalProxy(context, { app, team, source, place: oneAddress }),
    );
  }
  return proxies;
}

function environmentFor(
  { environment }: Context,
  machine: MachineCredential | undefined,
  proxies: Proxies,
): NodeJS.ProcessEnv {
  const local = [...proxies.values()].map(({ url = "" }) => readAppUrl(url));
  return loopbackEnvironment(withoutMachineCredentials(environment, machine), local);
}

function localArguments(args: string[], urls: readonly UrlArgument[], proxies: Proxies): string[] {
  const changed = [...args];
  for (const { index, before, app } of urls) changed[index] = before + localUrl(app, proxies);
  return changed;
}

/** The URL as it was written, with another scheme, host and port. */
function localUrl({ written, origin }: AppUrl, proxies: Proxies): string {
  const { host } = new URL(proxies.get(origin)?.url ?? "");
  return written.replace(
    /^[^:]+:\/\/([^/?#]*@)?[^/?#]*/,
    (_, user = "") => `http://${user}${host}`,
  );
}

/** git is told what to ask in place of what: it keeps the URLs as they were written. */
function gitInput(
  args: string[],
  environment: NodeJS.ProcessEnv,
  urls: readonly UrlArgument[],
  proxies: Proxies,
): ToolInput {
  const rewrites = urls.map(({ app }) => {
    const [from = ""] = /^[^:]+:\/\/[^/?#]*/.exec(app.written) ?? [];
    return [`${from}/`, `${proxies.get(app.origin)?.url}/`] as const;
  });
  return { args, environment: { ...environment, ...gitRewrites(environment, rewrites) } };
}
