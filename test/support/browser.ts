// Drives Debian's Chromium through playwright-core. Every name resolves to this machine, so a test
// may use example hosts, and no page can reach another machine.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { leaveOut } from "./requirements.ts";

const candidates = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

function chromiumPath(): string | undefined {
  const chosen = process.env["POSTERN_CHROMIUM"];
  return (chosen === undefined ? candidates : [chosen]).find((path) => existsSync(path));
}

/**
 * Options for a test that needs the browser: left out where there is none, unless everything is
 * required.
 */
export function browserOptions(): { skip?: string } {
  return leaveOut(chromiumPath() === undefined ? "Chromium" : undefined);
}

export interface BrowserOptions {
  /** Chromium's host resolver rules; default: every name is 127.0.0.1 */
  hostResolverRules?: string;
}

/**
 * A fresh browser with an empty profile, closed and removed afterwards.
 * @throws {Error} when no Chromium is here
 */
async function withBrowser<T>(
  use: (context: BrowserContext) => Promise<T>,
  options: BrowserOptions = {},
): Promise<T> {
  const executablePath = chromiumPath();
  if (executablePath === undefined)
    throw new Error(
      "no Chromium is here: npm run setup brings it, POSTERN_CHROMIUM names another place",
    );
  const profile = mkdtempSync(join(tmpdir(), "postern-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    ignoreHTTPSErrors: true,
    args: [
      // Chromium refuses its sandbox to root, which is who runs tests in a container.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      `--host-resolver-rules=${options.hostResolverRules ?? "MAP * 127.0.0.1"}`,
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  context.setDefaultTimeout(60_000);
  try {
    return await use(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** One page of a fresh browser. */
export function withPage<T>(
  use: (page: Page) => Promise<T>,
  options: BrowserOptions = {},
): Promise<T> {
  return withBrowser(
    async (context) => use(context.pages()[0] ?? (await context.newPage())),
    options,
  );
}
