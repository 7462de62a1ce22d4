// The person at the terminal's page: signs in with a one-time PIN, compares the code and approves.
// In a real browser where one is installed and starts, else over the same pages by HTTP.
import { existsSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { Visitor } from "../packages/cli/src/library/visitor.ts";

export interface Approval {
  /** the page that the terminal asked to be opened */
  url: string;
  /** the code that the terminal shows */
  code: string;
  email: string;
  /** reads the PIN that was sent to this address */
  pin: (email: string) => Promise<string>;
  /** where a picture of the approval page goes, where there is a browser */
  pictureFile: string;
}

/**
 * @returns whether a browser did it, and so a picture was taken
 * @throws {Error} when the page shows another code, or the approval does not end in a sign-in
 */
export async function approve(approval: Approval): Promise<boolean> {
  const browser = await startBrowser();
  if (browser === undefined) {
    await approveByHttp(approval);
    return false;
  }
  try {
    await approveOn(await browser.newPage(), approval);
    return true;
  } finally {
    await browser.close();
  }
}

async function approveByHttp({ url, code, email, pin }: Approval): Promise<void> {
  const visitor = await signInByHttp(url, email, pin);
  if (!visitor.page.text.includes(code))
    throw new Error(`the page does not show the terminal's code ${code}`);
  await visitor.press("Approve");
  await visitor.settle();
  if (visitor.heading() !== "You are signed in")
    throw new Error(`the approval ended on "${visitor.heading()}"`);
}

/** Opens a page and signs in on the way to it. @returns the visitor, on the page that follows */
export async function signInByHttp(
  url: string,
  email: string,
  pin: Approval["pin"],
): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.visit(url);
  await visitor.press("Send me a code", { email });
  await visitor.press("Sign in", { code: await pin(email) });
  await visitor.settle();
  return visitor;
}

async function approveOn(page: Page, approval: Approval): Promise<void> {
  const { url, code, email, pin, pictureFile } = approval;
  await page.goto(url);
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("Code").fill(await pin(email));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(code).waitFor();
  await page.screenshot({ path: pictureFile });
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
}

const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** undefined where none is installed, or the installed one does not start */
async function startBrowser(): Promise<Browser | undefined> {
  const executablePath = browsers.find((path) => existsSync(path));
  if (executablePath === undefined) return undefined;
  const { chromium } = await import("playwright-core");
  const args = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  // Chromium refuses its sandbox to root.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath, args }).catch(() => undefined);
}
