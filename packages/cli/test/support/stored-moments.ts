// When the gateway was last asked, as the stored records say it. Its word counts for some seconds
// (known-hosts.ts), and a busy machine may need longer than that from one command of a test to the
// next.
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Moment = "checked_at" | "asked_at";

/** What is older counts as a time that a test has let pass. */
const oldest = 5 * 60_000;

/** As if a while had passed since the gateway was last asked. */
export function letTimePass(home: string): void {
  changeMoments(home, (at) => at - 2 * oldest);
}

/** As if the gateway had just been asked, where it was since the test began. */
export function letNoTimePass(home: string): void {
  const now = Date.now();
  changeMoments(home, (at) => (at < now && now - at < oldest ? now : at));
}

function changeMoments(home: string, change: (at: number) => number): void {
  for (const path of recordsIn(home)) {
    const text = readFileSync(path, "utf8");
    const name: Moment = path.includes("/tokens/") ? "checked_at" : "asked_at";
    const changed = text.replace(
      new RegExp(`("${name}": ?)(\\d+)`, "g"),
      (_match, before: string, at: string) => before + change(Number(at)),
    );
    if (changed !== text) writeFileSync(path, changed);
  }
}

/** The records that are as the command line writes them: whatever else is there is a test's own. */
function recordsIn(home: string): string[] {
  return ["tokens", "hosts"].flatMap((folder) => {
    try {
      const names = readdirSync(join(home, folder), { recursive: true }) as string[];
      return names.map((name) => join(home, folder, name)).filter(isOrdinary);
    } catch {
      return [];
    }
  });
}

function isOrdinary(path: string): boolean {
  const { mode, nlink } = lstatSync(path);
  return path.endsWith(".json") && mode === 0o100600 && nlink === 1;
}
