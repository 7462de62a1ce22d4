// The arguments of a wrapped tool that are URLs behind Access. Others are the tool's own business.
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { applicationFor, type Credential } from "../../sign-in/credential.ts";
import { withoutMachineCredentials } from "../../sign-in/machine-credential.ts";
import type { Application } from "../../store/known-hosts.ts";
import { loopbackEnvironment } from "../../tool/loopback-environment.ts";

/** How a tool's credentials are found. */
export type CredentialOf = (app: AppUrl) => Promise<Credential>;

/** What the tool gets of us. */
export interface ToolInput {
  args: string[];
  environment: NodeJS.ProcessEnv;
}

/** An argument that is a URL, or holds one after `=`. */
export interface UrlArgument {
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
export async function protectedUrls(context: Context, args: string[]): Promise<UrlArgument[]> {
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

/** The environment for a tool: what was for us is not for it. */
export function toolEnvironment(context: Context, apps: AppUrl[]): NodeJS.ProcessEnv {
  return loopbackEnvironment(withoutMachineCredentials(context.environment), apps);
}

/** The URL as it was written; where plain http became https for us, the tool must ask the same. */
export function urlToAsk({ written, href, protocol }: AppUrl): string {
  const isUpgraded = /^http:/i.test(written) && protocol === "https:";
  return isUpgraded ? href : written;
}
