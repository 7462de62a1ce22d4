// Opens a page in the person's browser. The URL goes to the opener as one argument, without a
// shell, and only if it is a web page (cases C15, C16). `$BROWSER` comes first: editors that work
// on a remote machine set it to a program that opens the page where the person sits.
import type { Context } from "../context.ts";
import { findTool, withSafePath } from "../tool/find-tool.ts";
import { headlessBy, isFreeDesktop, isInContainer } from "./headless.ts";

type Environment = NodeJS.ProcessEnv;

/**
 * Opens the URL, where there is a browser to open it with.
 * @returns whether an opener was started; the caller prints the URL in any case
 */
export async function openBrowser(
  { environment }: Pick<Context, "environment">,
  url: URL,
): Promise<boolean> {
  if (url.protocol !== "https:" && url.protocol !== "http:") return false;
  const chosen = environment["BROWSER"];
  if (chosen && (await startOpener([chosen], url, environment))) return true;
  const { platform } = process;
  const isContainer = isInContainer(environment);
  if (headlessBy({ environment, platform, isContainer }) !== undefined) return false;
  return startOpener(openerOf(environment, platform), url, environment);
}

/** What opens a URL that is added to it: a program, and arguments that come before. */
export function openerOf(
  environment: Environment,
  platform: NodeJS.Platform,
): readonly [program: string, ...before: string[]] {
  if (platform === "darwin") return ["/usr/bin/open"];
  if (isFreeDesktop(environment, platform)) return ["xdg-open"];
  // Windows, and Linux inside it. No shell reads the URL, as `start` of cmd.exe would.
  return ["rundll32.exe", "url.dll,FileProtocolHandler"];
}

/** @returns false where there is no such program */
async function startOpener(
  [name, ...before]: ReturnType<typeof openerOf>,
  url: URL,
  environment: Environment,
): Promise<boolean> {
  const program = findTool(name, environment["PATH"] ?? "");
  if (!program) return false;
  const { spawn } = await import("node:child_process");
  const opener = spawn(program, [...before, url.href], {
    stdio: "ignore",
    detached: true,
    env: withSafePath(environment),
  });
  return new Promise((resolve) => {
    opener.once("error", () => resolve(false));
    opener.once("spawn", () => {
      opener.unref();
      resolve(true);
    });
  });
}
