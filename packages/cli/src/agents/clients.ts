// Agents that run MCP servers as processes: where each keeps the list of them, and how an entry
// looks there. As documented by each in November 2026.
import { join } from "node:path";
import { CliError } from "../exit-status.ts";

/** How to start a program. */
export interface ServerCommand {
  command: string;
  args: readonly string[];
  /** variables that it needs beside those that it inherits */
  env: Readonly<Record<string, string>>;
}

/** Where a client keeps its settings depends on these alone. */
export interface Place {
  environment: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
}

export interface AgentClient {
  name: string;
  format: "json" | "toml";
  /** the key of the settings that the servers stand under */
  section: string;
  /** it is started in a terminal, and has the terminal's PATH */
  inTerminal: boolean;
  /** absolute, as long as the environment names a home */
  file(place: Place): string;
  entry(server: ServerCommand): Record<string, unknown>;
}

const clients: readonly AgentClient[] = [
  {
    name: "claude-code",
    format: "json",
    section: "mcpServers",
    inTerminal: true,
    file: (place) => join(place.environment["CLAUDE_CONFIG_DIR"] || home(place), ".claude.json"),
    entry: (server) => ({ type: "stdio", ...plainEntry(server) }),
  },
  {
    name: "claude-desktop",
    format: "json",
    section: "mcpServers",
    inTerminal: false,
    file: (place) => join(applicationData(place), "Claude", "claude_desktop_config.json"),
    entry: plainEntry,
  },
  {
    name: "codex",
    format: "toml",
    section: "mcp_servers",
    inTerminal: true,
    file: (place) =>
      join(place.environment["CODEX_HOME"] || join(home(place), ".codex"), "config.toml"),
    entry: plainEntry,
  },
  {
    name: "cursor",
    format: "json",
    section: "mcpServers",
    inTerminal: false,
    file: (place) => join(home(place), ".cursor", "mcp.json"),
    entry: plainEntry,
  },
  {
    name: "vscode",
    format: "json",
    section: "servers",
    inTerminal: false,
    file: (place) => join(applicationData(place), "Code", "User", "mcp.json"),
    entry: (server) => ({ type: "stdio", ...plainEntry(server) }),
  },
];

/** @throws {CliError} usage, naming those that are known */
export function agentClient(name: string): AgentClient {
  const client = clients.find((each) => each.name === name);
  if (client !== undefined) return client;
  const known = clients.map((each) => each.name).join(", ");
  throw new CliError("usage", `"${name.slice(0, 40)}" is no agent known here; use one of ${known}`);
}

function plainEntry({ command, args, env }: ServerCommand): Record<string, unknown> {
  return Object.keys(env).length === 0 ? { command, args } : { command, args, env };
}

function home({ environment, platform }: Place): string {
  const variable = platform === "win32" ? "USERPROFILE" : "HOME";
  const folder = environment[variable];
  if (folder) return folder;
  throw new CliError("usage", `${variable} is not set; set it, or use --print`);
}

/** Where programs of the desktop keep their settings. */
function applicationData(place: Place): string {
  const { environment, platform } = place;
  switch (platform) {
    case "win32":
      return environment["APPDATA"] || join(home(place), "AppData", "Roaming");
    case "darwin":
      return join(home(place), "Library", "Application Support");
    default:
      return environment["XDG_CONFIG_HOME"] || join(home(place), ".config");
  }
}
