// `export`, `apply` and `import`: what a gateway has and what a file says.
import type { Flag } from "../../flag.ts";
import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";

/** Which gateway is meant. */
export const accountFlags: readonly Flag[] = [
  { name: "url", value: "URL", description: "the gateway's admin API (or POSTERN_ADMIN_URL)" },
  {
    name: "token-file",
    value: "FILE",
    description: "file with an admin token (or POSTERN_ADMIN_TOKEN_FILE, POSTERN_ADMIN_TOKEN)",
  },
  { ...configFlag, description: "the gateway's own file, for its store, in place of --url" },
];

/** Both ways to say so. @param before what comes first */
export function accountUsage(before: string): string[] {
  return [`${before}--url URL [--token-file FILE]`, `${before}--config FILE`];
}

/** What `apply` and `diff` are about. */
export const fileFlag: Flag = {
  name: "file",
  short: "f",
  value: "FILE",
  description: "the file, in place of the argument",
};

/** `export` */
export const exportCommand: Command = {
  name: "export",
  summary: "print what a gateway has as a configuration file",
  usage: accountUsage(""),
  description:
    "Prints the objects in force, of file and API, as a file for apply. Standard error names the secrets that are not in it. Asks the admin API, or with --config the store, beside a gateway that runs.",
  flags: [...accountFlags, helpFlag],
  example: "postern export --url http://127.0.0.1:8601 > objects.yaml",
  run: administration,
};

/** `apply` */
export const apply: Command = {
  name: "apply",
  operand: "FILE",
  summary: "make a gateway's objects those of a file",
  usage: accountUsage("FILE [--dry-run] [--prune] "),
  description:
    "Prints what differs between a file and the objects of a gateway, and changes all of it or nothing. What the file does not have stays without --prune; what the gateway's own file has is never touched.",
  flags: [
    { name: "dry-run", description: "only print what would change" },
    fileFlag,
    { name: "prune", description: "delete what the file does not have" },
    ...accountFlags,
    { name: "json", description: "print JSON" },
    helpFlag,
  ],
  example: "postern apply objects.yaml --url http://127.0.0.1:8601",
  run: administration,
};

/** `import` */
export const importCommand: Command = {
  name: "import",
  operand: "SOURCE",
  choices: ["cloudflare"],
  summary: "print a Cloudflare account as a configuration file",
  usage: ["cloudflare [--url URL]"],
  description:
    "Reads a Cloudflare account by its API, with CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID from the environment, and prints a file for apply. Standard error names what cannot come. Nothing gets laxer.",
  flags: [
    { name: "url", value: "URL", description: "another API (or CLOUDFLARE_BASE_URL)" },
    helpFlag,
  ],
  example: "postern import cloudflare > objects.yaml",
  run: administration,
};
