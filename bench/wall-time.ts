// What a person at a terminal waits for: whole processes from start to end, taken in turns so that
// a busy moment of the machine falls on all of them alike.
import { spawnSync } from "node:child_process";
import { median } from "./median.ts";
import type { Checkout } from "./postern.ts";

export interface WallTime {
  name: string;
  /** milliseconds */
  median: number;
}

/** A person signed in at one checkout's gateway, in a browser and at a terminal. */
export interface SignedIn {
  checkout: Checkout;
  /** URL of the application, without a path */
  application: string;
  /** the browser's application token */
  token: string;
  /** `$POSTERN_HOME` of the terminal */
  home: string;
}

interface Command {
  name: string;
  command: string;
  args: string[];
  home: string;
}

/**
 * Of every command of every checkout, in turns; names say which checkout where it is not the first.
 */
export function measureWallTimes(
  checkouts: readonly [SignedIn, ...SignedIn[]],
  rounds: number,
): WallTime[] {
  const [own, ...others] = checkouts;
  const { token, home } = own;
  const curl = ["-sf", "-o", "/dev/null", "-b", `CF_Authorization=${token}`, urlOf(own)];
  const commands: Command[] = [
    { name: "node -e 0", command: process.execPath, args: ["-e", "0"], home },
    { name: "curl", command: "curl", args: curl, home },
    ...accessCommands(own, ""),
    ...others.flatMap((other) => accessCommands(other, ` (${other.checkout.name})`)),
  ];
  const times = new Map<string, number[]>(commands.map(({ name }) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const { name, command, args, home: commandHome } of commands) {
      const start = performance.now();
      const { status, stderr } = spawnSync(command, args, {
        env: { PATH: process.env["PATH"], POSTERN_HOME: commandHome, CI: "1" },
      });
      const time = performance.now() - start;
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      // The first two rounds fill caches: the description of the application among them.
      if (round >= 0) times.get(name)?.push(time);
    }
  }
  return commands.map(({ name }) => ({ name, median: median(times.get(name) ?? []) }));
}

function accessCommands(
  { checkout: { cli }, application, home }: SignedIn,
  suffix: string,
): Command[] {
  const url = urlOf({ application });
  const command = process.execPath;
  return [
    {
      name: `access token${suffix}`,
      command,
      home,
      args: [cli, "access", "token", `-app=${application}`],
    },
    {
      name: `access curl${suffix}`,
      command,
      home,
      args: [cli, "access", "curl", "-sf", "-o", "/dev/null", url],
    },
  ];
}

function urlOf({ application }: Pick<SignedIn, "application">): string {
  return `${application}/1k`;
}
