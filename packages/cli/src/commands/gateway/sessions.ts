import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";

const person = { name: "person", aliases: ["email"], value: "EMAIL" };
const application = { name: "application", value: "NAME" };
const kinds = ["browser", "terminal", "grant"];
const json = { name: "json", description: "print JSON" };

/** `sessions list` */
export const list: Command = {
  name: "list",
  summary: "list who is signed in, the latest first",
  usage: ["[--person EMAIL] [--application NAME] [--kind KIND] --config FILE"],
  description:
    "Lists sessions that are alive: whose each is, how long it has been and will be, and which applications it got tokens of.",
  flags: [
    { ...person, description: "only this person's" },
    { ...application, description: "only those with a token of it, by name, ID or domain" },
    { name: "kind", value: "KIND", choices: kinds, description: "browser, terminal or grant" },
    { name: "limit", value: "N", description: "how many at most", default: "20" },
    json,
    configFlag,
    helpFlag,
  ],
  example: "postern sessions list --kind terminal --config postern.yaml",
  run: administration,
};

/** `sessions revoke` */
export const revoke: Command = {
  name: "revoke",
  operand: "ID",
  summary: "end a session, a grant, or all of a person or application",
  usage: ["ID --config FILE", "--person EMAIL --config FILE", "--application NAME --config FILE"],
  description:
    "Ends a session, with what it has approved, or a grant, by its ID; every session of a person; or every token of an application. Gateways on this store refuse them within a second, and end their streams.",
  flags: [
    { ...person, description: "every session of this person" },
    { ...application, description: "every token of this application, by name, ID or domain" },
    json,
    configFlag,
    helpFlag,
  ],
  example: "postern sessions revoke --person ada@example.com --config postern.yaml",
  run: administration,
};
