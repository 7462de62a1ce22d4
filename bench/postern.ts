// The gateway as it is served, and a person signed in at it from a terminal: the measured requests bear a real
// token of a real session.
import { join } from "node:path";
import { Visitor } from "../demo/visitor.ts";
import { type Server, startServer } from "./process.ts";

export const postern = join(import.meta.dirname, "../packages/cli/bin/postern.cjs");
const person = "ada@example.com";

export interface SignedInGateway extends Server {
  /** the application's origin: `http://bench.localhost:<port>` */
  application: string;
  token: string;
}

/** @param home `$POSTERN_HOME` for gateway and terminal; keeps the terminal's session */
export async function startSignedInGateway(home: string, port: number, origin: number): Promise<SignedInGateway> {
  const environment = { POSTERN_HOME: home, CI: "1" };
  const args = [postern, "dev", "--ephemeral", "--port", String(port), "--upstream", `bench=http://127.0.0.1:${origin}`];
  const gateway = await startServer("proxy", process.execPath, args, { environment, ready: /Postern is up/ });
  const application = `http://bench.localhost:${port}`;

  const loginUrl = /https?:\/\/\S+\/cdn-cgi\/access\/cli\?\S+/;
  const loginArgs = [postern, "access", "login", application, "--no-browser"];
  const login = await startServer("load", process.execPath, loginArgs, { environment, ready: loginUrl });
  const visitor = new Visitor();
  try {
    const [url] = await login.until(loginUrl);
    await visitor.visit(url);
    await visitor.press("Send me a code", { email: person });
    const [, pin = ""] = await gateway.until(/PIN for \S+: (\d+)/);
    await visitor.press("Sign in", { code: pin });
    await visitor.press("Approve");
    if (visitor.heading() !== "You are signed in") throw new Error(`signing in ended on "${visitor.heading()}"`);
    await login.ended;
  } finally {
    await login.stop();
  }

  await visitor.visit(`${application}/1k`);
  const token = visitor.cookie("bench.localhost", "CF_Authorization");
  if (token === undefined || visitor.page.status !== 200) throw new Error(`no token: ${visitor.page.status} ${visitor.page.url}`);
  return { ...gateway, application, token };
}
