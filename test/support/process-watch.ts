// Looks at the processes of this machine during a run of the tests, and finds those of the product
// that show a secret in their arguments or their environment (case C9). A look reads what is new
// and the few processes of the product, which costs a core about a hundredth of its time. What
// lives for less than the pause between two looks may be missed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type Exposure, exposuresOf, type ShownProcess } from "./exposed-secrets.ts";

const pauseMs = 100;
/** Looks for which a process is read again: it may be about to run another program. */
const youngLooks = 3;

interface Known {
  shown: ShownProcess;
  /** our command line that it belongs to; undefined for everything else */
  own: ShownProcess | undefined;
  looks: number;
}

/** Watches until it is told to stop. */
export class ProcessWatch {
  readonly #secretsFile: string;
  readonly #known = new Map<number, Known>();
  readonly #found = new Map<string, Exposure>();
  readonly #timer: NodeJS.Timeout | undefined;

  /** @param secretsFile as run-secrets.ts writes it */
  constructor(secretsFile: string) {
    this.#secretsFile = secretsFile;
    if (existsSync("/proc/self/environ"))
      this.#timer = setInterval(() => this.look(), pauseMs).unref();
  }

  /** @returns what was shown, each once */
  stop(): Exposure[] {
    clearInterval(this.#timer);
    return [...this.#found.values()];
  }

  /** One look at everything that runs. */
  look(): void {
    const pids = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
    const alive = new Set(pids);
    for (const pid of this.#known.keys()) if (!alive.has(pid)) this.#known.delete(pid);
    // Parents come before their children, but for the few whose numbers began anew.
    const products = pids.filter((pid) => this.#isOfProduct(pid));
    if (products.length === 0) return;
    const secrets = readSecrets(this.#secretsFile);
    for (const pid of products) this.#judge(pid, secrets);
  }

  #isOfProduct(pid: number): boolean {
    const known = this.#known.get(pid);
    if (known !== undefined && known.looks >= youngLooks) return false;
    const shown = readProcess(pid);
    const own = known?.own ?? this.#ownOf(shown);
    this.#known.set(pid, { shown, own, looks: (known?.looks ?? 0) + 1 });
    return own !== undefined;
  }

  /** A command line of ours keeps its first arguments: it may wipe them. */
  #ownOf(shown: ShownProcess): ShownProcess | undefined {
    if (shown.command.some((argument) => argument.endsWith("/postern.cjs"))) return shown;
    return this.#known.get(parentOf(shown.pid))?.own;
  }

  #judge(pid: number, secrets: readonly string[]): void {
    const { shown, own } = this.#known.get(pid) ?? {};
    if (shown === undefined || own === undefined) return;
    for (const exposure of exposuresOf(shown, own, secrets))
      this.#found.set(JSON.stringify(exposure), exposure);
  }
}

function readSecrets(file: string): string[] {
  const lines = read(file).split("\n");
  return lines.filter((line) => line.endsWith('"')).map((line) => JSON.parse(line) as string);
}

function readProcess(pid: number): ShownProcess {
  const command = read(`/proc/${pid}/cmdline`).split("\0");
  const environment = read(`/proc/${pid}/environ`).split("\0");
  return { pid, command: command.slice(0, -1), environment: environment.slice(0, -1) };
}

/** proc(5): the name in brackets may hold anything. */
function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

/** "" for a process that has ended meanwhile, or is somebody else's. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
