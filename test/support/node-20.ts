import { execFileSync } from "node:child_process";
import { delimiter, join } from "node:path";

/** A Node 20 of this machine: the oldest one that is promised (package.json, `engines`). */
export function findNode20(): string | undefined {
  const folders = [
    "/usr/bin",
    "/usr/local/bin",
    "/opt/node20/bin",
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return folders
    .map((folder) => join(folder, "node"))
    .find((node) => versionOf(node)?.startsWith("v20."));
}

function versionOf(node: string): string | undefined {
  try {
    return execFileSync(node, ["--version"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return undefined;
  }
}
