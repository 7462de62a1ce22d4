// What a person at a terminal waits for: whole processes from start to end, taken in turns so that
// a busy moment of the machine falls on all of them alike.
import { spawnSync } from "node:child_process";
import { median } from "./load.ts";
import { postern } from "./postern.ts";

export interface WallTime {
  name: string;
  /** milliseconds */
  median: number;
}

const rounds = 21;

export function measureWallTimes({
  application,
  token,
  home,
}: {
  application: string;
  token: string;
  home: string;
}): WallTime[] {
  const url = `${application}/1k`;
  const commands: { name: string; command: string; args: string[] }[] = [
    { name: "node -e 0", command: process.execPath, args: ["-e", "0"] },
    {
      name: "access token",
      command: process.execPath,
      args: [postern, "access", "token", `-app=${application}`],
    },
    {
      name: "curl",
      command: "curl",
      args: ["-sf", "-o", "/dev/null", "-b", `CF_Authorization=${token}`, url],
    },
    {
      name: "access curl",
      command: process.execPath,
      args: [postern, "access", "curl", "-sf", "-o", "/dev/null", url],
    },
  ];
  const times = new Map<string, number[]>(commands.map(({ name }) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const { name, command, args } of commands) {
      const start = performance.now();
      const { status, stderr } = spawnSync(command, args, {
        env: { PATH: process.env["PATH"], POSTERN_HOME: home, CI: "1" },
      });
      const time = performance.now() - start;
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      // The first two rounds fill caches: the description of the application among them.
      if (round >= 0) times.get(name)?.push(time);
    }
  }
  return commands.map(({ name }) => ({ name, median: median(times.get(name) ?? []) }));
}
