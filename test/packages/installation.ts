// The two packages as somebody gets them: packed, then installed from their tarballs into an empty
// folder with an empty home and no network. Nothing of this checkout is in sight.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Running, watchProcess } from "../support/cli.ts";

const checkout = join(import.meta.dirname, "../..");
const ownNode = `node-${process.platform}-${process.arch}`;

export interface Installation {
  /** where a person stands who works with it */
  folder: string;
  /** @param node the Node that runs it; default: the one that runs the tests */
  start(args: string[], node?: string): Running;
  /**
   * Adds the Node 24 that npm brings with the gateway where there is a network.
   * @param owner the folder in whose `node_modules` npm puts it
   * @returns removes it again; undefined when none is made for this machine
   */
  addNode24(owner: string): (() => void) | undefined;
  remove(): void;
}

/** Of what `npm run build` has made: `npm test` has run it. */
export function installPackages(): Installation {
  const root = mkdtempSync(join(tmpdir(), "postern-install-"));
  const folder = join(root, "work");
  const home = join(root, "home");
  for (const path of [folder, home]) mkdirSync(path);

  const npm = (cwd: string, ...args: string[]) =>
    execFileSync("npm", [...args, "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd,
      env: { PATH: process.env["PATH"], HOME: home, npm_config_update_notifier: "false" },
      stdio: "pipe",
    });
  npm(checkout, "pack", "-w", "postern", "-w", "@postern/gateway", "--pack-destination", root);
  const tarballs = readdirSync(root).filter((file) => file.endsWith(".tgz"));
  npm(
    folder,
    "install",
    "--offline",
    "--omit=optional",
    ...tarballs.map((name) => join(root, name)),
  );

  return {
    folder,
    start: (args, node = process.execPath) =>
      watchProcess(
        spawn(node, [join(folder, "node_modules/.bin/postern"), ...args], {
          cwd: folder,
          env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home },
        }),
      ),
    addNode24(owner) {
      const source = join(checkout, "node_modules", ownNode);
      if (!existsSync(source)) return undefined;
      const modules = join(folder, owner, "node_modules");
      const isNew = mkdirSync(modules, { recursive: true }) !== undefined;
      symlinkSync(source, join(modules, ownNode));
      return () => rmSync(isNew ? modules : join(modules, ownNode), { recursive: true });
    },
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 10 }),
  };
}
