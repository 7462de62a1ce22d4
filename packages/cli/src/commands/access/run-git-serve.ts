// The stand-in of a forge on a port of this machine: `access http` for as long as git comes by. It
// asks nobody: whoever starts it has seen to the sign-in.
import { setTimeout as delay } from "node:timers/promises";
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { type Forge, readForges } from "../../git/forges.ts";
import { type LocalProxy, startLocalProxy } from "../../local-proxy/local-proxy.ts";
import { applicationFor } from "../../sign-in/credential.ts";
import type { CommandLine } from "../command-line.ts";
import { applicationSource } from "./application-source.ts";

/** Without a connection for as long, it ends (milliseconds). */
const idleTime = 30 * 60_000;
const interval = 1_000;

/** @returns the exit status */
export async function serveForge(
  context: Context,
  line: CommandLine,
  [url]: readonly string[],
): Promise<number> {
  const forge = readForges(context.home).find((each) => each.url === url);
  if (forge === undefined)
    throw new CliError("usage", "access git serve takes a forge that is set up");
  const app = readAppUrl(forge.url);
  const { team } = await applicationFor(context, app);
  const source = applicationSource(context, app, line);
  const place = { kind: "tcp" as const, addresses: ["127.0.0.1"], port: forge.port };
  const proxy = await startLocalProxy(context, { app, team, source, place, isOwnProxy: true });
  await untilIdle(context, forge, proxy);
  await proxy.drain();
  return 0;
}

/** Until nobody has come by for a while, or the forge is not set up any more. */
async function untilIdle({ home }: Context, forge: Forge, proxy: LocalProxy): Promise<void> {
  for (let idle = 0; idle < idleTime; idle += interval) {
    if (!isSetUp(home, forge)) return;
    if (proxy.isInUse) idle = 0;
    await delay(interval);
  }
}

function isSetUp(home: string, { url, port }: Forge): boolean {
  try {
    return readForges(home).some((each) => each.url === url && each.port === port);
  } catch {
    return false;
  }
}
