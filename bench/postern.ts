// The gateway as it is served, and a person signed in at it from a terminal: the measured requests
// bear a real token of a real session.
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { Visitor } from "../packages/cli/src/library/visitor.ts";
import { type Server, startServer } from "./process.ts";

/** A checkout of Postern whose command line was built. */
export interface Checkout {
  /** how the tables name it */
  name: string;
  folder: string;
  /** path of the command line */
  cli: string;
}

/** @param folder the checkout's root */
export function checkoutIn(folder: string, name: string): Checkout {
  return { name, folder, cli: join(folder, "packages/cli/dist/postern.cjs") };
}

/**
 * Lays the built packages out as npm installs them: a gateway that has its source beside it runs
 * that, whose compiler stays in memory.
 * @param folder which may have them already
 * @returns the path of the command line
 */
export function installIn(folder: string, checkout: Checkout): string {
  const packages = join(folder, "node_modules");
  if (!existsSync(packages)) {
    installPackage(join(checkout.folder, "packages/gateway"), join(packages, "@postern/gateway"));
    installPackage(join(checkout.folder, "packages/cli"), join(packages, "postern"));
  }
  return join(packages, "postern/dist/postern.cjs");
}

function installPackage(from: string, target: string): void {
  const source = join(from, "src");
  const filter = (path: string) => path !== source;
  cpSync(from, target, { recursive: true, filter });
}

export const thisCheckout = checkoutIn(join(import.meta.dirname, ".."), "**Postern**");

const person = "ada@example.com";

const loginUrl = /https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+(?=\s)/;

/** @param home `$POSTERN_HOME` for gateway and terminal */
export function startGateway(
  { cli }: Checkout,
  home: string,
  port: number,
  origin: number,
): Promise<Server> {
  const args = [
    cli,
    "dev",
    "--ephemeral",
    "--port",
    String(port),
    "--upstream",
    `bench=http://127.0.0.1:${origin}`,
  ];
  return startServer("proxy", process.execPath, args, {
    environment: { POSTERN_HOME: home, CI: "1" },
    ready: /Postern is up/,
  });
}

/**
 * Signs in from a terminal, whose session stays in `home`, and in the browser that approved it.
 * @returns the browser's application token
 */
export async function signIn(
  { cli }: Checkout,
  gateway: Server,
  application: string,
  home: string,
): Promise<string> {
  const login = await startServer(
    "load",
    process.execPath,
    [cli, "access", "login", application, "--no-browser"],
    {
      environment: { POSTERN_HOME: home, CI: "1" },
      ready: loginUrl,
    },
  );
  let visitor: Visitor;
  try {
    const [url] = await login.until(loginUrl);
    visitor = await approve(gateway, url, person);
    await login.ended;
  } finally {
    await login.stop();
  }
  await visitor.visit(`${application}/1k`);
  const token = visitor.cookie(new URL(application).hostname, "CF_Authorization");
  if (token === undefined || visitor.page.status !== 200)
    throw new Error(`no token: ${visitor.page.status} ${visitor.page.url}`);
  return token;
}

/**
 * Signs in on the page that a terminal asked for, and approves.
 * @param email whom the gateway has not sent a PIN before
 * @returns the browser
 */
export async function approve(gateway: Server, url: string, email: string): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.visit(url);
  await visitor.press("Send me a code", { email });
  const [, pin = ""] = await gateway.until(new RegExp(`PIN for ${email}: (\\d+)`));
  await visitor.press("Sign in", { code: pin });
  await visitor.press("Approve");
  await visitor.settle();
  if (visitor.heading() !== "You are signed in")
    throw new Error(`signing in ended on "${visitor.heading()}"`);
  return visitor;
}
