import type { Command } from "../command.ts";
import {
  commonFlags,
  noLoginFlag,
  refusedServiceTokenFlags,
  signInFlags,
  workloadFlags,
} from "../flags.ts";
import { runToken } from "./run-token.ts";

/** `access token` */
export const token: Command = {
  name: "token",
  operand: "URL",
  summary: "print the token of an application",
  usage: ["URL", "-app=URL"],
  description:
    "Prints the token of the application, without a newline. On a terminal, signs in first if necessary.",
  flags: [
    { name: "app", value: "URL", description: "the application", hidden: true },
    {
      name: "format",
      value: "F",
      choices: ["raw", "header", "json", "env", "exec-credential"],
      description: "raw, header, json, env or exec-credential (for kubectl)",
      default: "raw",
    },
    ...workloadFlags,
    noLoginFlag,
    ...signInFlags,
    ...commonFlags,
    ...refusedServiceTokenFlags,
  ],
  example: "TOKEN=$(postern access token https://api.example.com)",
  run: runToken,
};
