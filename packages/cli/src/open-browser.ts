// Opens a page in the person's browser. The URL goes to the opener as one argument, without a shell, and only
// if it is a web page (cases C15, C16).
import type { Context } from "./context.ts";

/** Whether opening a browser can work at all: over SSH or in a container it would only start a text browser. */
export function hasBrowser(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform !== "linux" && platform !== "freebsd" && platform !== "openbsd") return true;
  return ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].some((name) => (environment[name] ?? "") !== "");
}

/** @returns whether an opener was started; the URL is printed in any case */
export async function openBrowser(context: Context, url: URL): Promise<boolean> {
  if ((url.protocol !== "https:" && url.protocol !== "http:") || !hasBrowser(context.environment, process.platform)) return false;
  try {
    const { default: open } = await import("open");
    const opener = await open(url.href);
    opener.on("error", () => {});
    return true;
  } catch {
    return false;
  }
}
