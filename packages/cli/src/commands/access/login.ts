import type { Command } from "../command.ts";
import { commonFlags, hidden, noLoginFlag, refusedMachineFlags, signInFlags } from "../flags.ts";

/** `access login` */
export const login: Command = {
  name: "login",
  operand: "URL",
  summary: "sign in through the browser",
  usage: ["URL"],
  description:
    "Signs in through the browser and stores the token. Approve only if the page shows the same code as the terminal.",
  flags: [
    ...signInFlags,
    {
      name: "login-hint",
      value: "EMAIL",
      description: "who should sign in; asks again if somebody else is signed in",
    },
    {
      name: "prompt",
      value: "WORD",
      choices: ["login", "select_account"],
      description: "login or select_account: ask again even if you are signed in",
    },
    {
      name: "no-verbose",
      description: "print only the token to standard output",
    },
    { name: "app", value: "URL", description: "the application; prints only the token" },
    { name: "quiet", short: "q", description: "print nothing" },
    ...commonFlags,
    hidden(noLoginFlag),
    ...refusedMachineFlags,
  ],
  example: "postern access login https://api.example.com",
  run: async (invocation) => (await import("./run-login.ts")).runLogin(invocation),
};
