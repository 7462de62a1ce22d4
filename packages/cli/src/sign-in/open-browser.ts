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
  if (chosen && (await startOpener(chosen, url, environment))) return true;
  const { platform } = process;
  const isContainer = isInContainer(environment);
  if (headlessBy({ environment, platform, isContainer }) !== undefined) return false;
  if (isFreeDesktop(environment, platform)) return startOpener("xdg-open", url, environment);
  return openElsewhere(url);
}

/** @returns false where there is no such program */
async function startOpener(name: string, url: URL, environment: Environment): Promise<boolean> {
  const program = findTool(name, environment["PATH"] ?? "");
  if (!program) return false;
  const { spawn } = await import("node:child_process");
  const opener = spawn(program, [url.href], {
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

/** macOS, Windows, and Linux inside Windows. */
async function openElsewhere(url: URL): Promise<boolean> {
  try {
    const { default: open } = await import("open");
    const opener = await open(url.href);
    opener.on("error", () => {});
    return true;
  } catch {
    return false;
  }
}
