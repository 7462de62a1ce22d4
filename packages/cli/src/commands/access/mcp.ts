import type { Command } from "../command.ts";
import { commonFlags, machineFlagsWithAliases } from "../flags.ts";

/** `access mcp` */
export const mcp: Command = {
  name: "mcp",
  operand: "URL",
  summary: "reach an MCP server from an agent, or set an agent up for it",
  usage: ["URL", "install CLIENT URL [--name NAME] [--print]"],
  description:
    "Passes messages of MCP between standard input and output and the server behind the URL, and adds the credential. Agents start it; install writes it into the configuration of claude-code, claude-desktop, codex, cursor or vscode.",
  flags: [
    {
      name: "name",
      value: "NAME",
      description: "with install: what the agent calls the server; the first label of its host",
    },
    { name: "print", description: "with install: only print what would be written" },
    ...machineFlagsWithAliases,
    ...commonFlags,
  ],
  example: "postern access mcp install codex https://tools.example.com/mcp",
  run: async (invocation) => (await import("./run-mcp.ts")).runMcp(invocation),
};
