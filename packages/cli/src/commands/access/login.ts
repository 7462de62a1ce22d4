import type { Command } from "../command.ts";
import {
  commonFlags,
  hidden,
  noLoginFlag,
  refusedServiceTokenFlags,
  signInFlags,
} from "../flags.ts";

/** `access login` */
export const login: Command = {
  name: "login",
  operand: "URL",
  summary: "sign in through the browser",
  usage: ["URL"],
  description:
    "Signs in through the browser and stores the token. Compare the code on the page with the one shown here.",
  flags: [
    ...signInFlags,
    {
      name: "login-hint",
      value: "EMAIL",
      description: "as whom; asks again if somebody else is signed in",
    },
    {
      name: "prompt",
      value: "WORD",
      description: "login or select_account: ask again in any case",
    },
    {
      name: "no-verbose",
      description: "print the token, and nothing else, on standard output",
    },
    { name: "app", value: "URL", description: "the same; names the application" },
    { name: "quiet", short: "q", description: "do not say who is signed in" },
    ...commonFlags,
    hidden(noLoginFlag),
    ...refusedServiceTokenFlags,
  ],
  example: "postern access login https://api.example.com",
  run: async (invocation) => (await import("./run-login.ts")).runLogin(invocation),
};
