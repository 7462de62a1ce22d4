import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";

/** `keys rotate` */
export const rotate: Command = {
  name: "rotate",
  summary: "rotate the key that signs tokens",
  usage: ["--config FILE"],
  description: "Signs with a new key from now on. Tokens signed with the previous key stay valid.",
  flags: [configFlag, helpFlag],
  example: "postern keys rotate --config postern.yaml",
  run: administration,
};
