import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";

/** `admin-token create` */
export const create: Command = {
  name: "create",
  operand: "NAME",
  summary: "make a token for the admin API, and print it",
  usage: ["NAME --permission LIST [--application NAME] [--expires-in TIME] --config FILE"],
  description:
    "Makes a token for the admin API and prints it, once: the gateway keeps only its hash. Says the account ID, which is part of every URL of the API.",
  flags: [
    {
      name: "permission",
      value: "LIST",
      description: "what it may do: all, or a list such as apps:write,organizations:read",
    },
    {
      name: "application",
      value: "NAME",
      repeatable: true,
      description: "only for this application, by name, ID or domain",
    },
    {
      name: "expires-in",
      value: "TIME",
      description: "until when, such as 720h; never by default",
    },
    configFlag,
    helpFlag,
  ],
  example: "postern admin-token create ci --permission all --config postern.yaml",
  run: administration,
};

/** `admin-token list` */
export const list: Command = {
  name: "list",
  summary: "list the tokens of the admin API",
  usage: ["[--json] --config FILE"],
  description: "Lists the tokens of the admin API: ID, name, permissions and expiry.",
  flags: [{ name: "json", description: "print the list as JSON" }, configFlag, helpFlag],
  example: "postern admin-token list --config postern.yaml",
  run: administration,
};

/** `admin-token revoke` */
export const revoke: Command = {
  name: "revoke",
  operand: "TOKEN",
  summary: "end a token of the admin API",
  usage: ["TOKEN --config FILE"],
  description:
    "Ends a token of the admin API, by its ID or name. Gateways on this store refuse the next request with it.",
  flags: [configFlag, helpFlag],
  example: "postern admin-token revoke ci --config postern.yaml",
  run: administration,
};
