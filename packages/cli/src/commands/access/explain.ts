import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "../gateway/administration.ts";

/** `access explain` */
export const explain: Command = {
  name: "explain",
  operand: "URL",
  summary: "administrators: say what policy decides about somebody, and why",
  usage: [
    "URL [--as EMAIL | --service-token NAME] [FACTS] --config FILE",
    "--ray ID --config FILE",
  ],
  description:
    "Says what policy decides about a person, a service token or a stranger at a URL, which policy and rule led to it, and why the others did not match. What is not stated is not known. With --ray, explains a decision that was recorded.",
  flags: [
    configFlag,
    { name: "as", aliases: ["email"], value: "EMAIL", description: "a person's address" },
    { name: "login-method", value: "NAME", description: "the identity provider they used" },
    {
      name: "group",
      value: "NAME",
      repeatable: true,
      description: "a group that the provider states",
    },
    {
      name: "claim",
      value: "NAME=VALUE",
      repeatable: true,
      description: "a claim that the provider states; without a value, it has none",
    },
    {
      name: "auth-method",
      value: "METHOD",
      repeatable: true,
      description: "how they signed in: mfa, hwk",
    },
    { name: "service-token", value: "NAME", description: "a program with this service token" },
    { name: "ip", value: "ADDRESS", description: "where they come from" },
    { name: "country", value: "CODE", description: "where that is, in two letters" },
    { name: "method", value: "METHOD", description: "of the request", default: "GET" },
    { name: "in-force", description: "ask what is in force in the store, and not the file" },
    { name: "ray", value: "ID", description: "a recorded decision, by the ID on its page" },
    { name: "json", description: "print JSON" },
    helpFlag,
  ],
  example: "postern access explain https://api.example.com --config postern.yaml",
  run: administration,
};
