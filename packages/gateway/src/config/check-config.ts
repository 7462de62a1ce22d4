// `postern gateway --check FILE`: what a file would do, without doing any of it. No store is
// opened, no key is made and nothing is asked over the network.
import { readFileSync } from "node:fs";
import { kinds } from "../model/kinds.ts";
import { policy } from "../model/policy.ts";
import type { ConfigFile } from "./config-file.ts";
import { type Config, ConfigError, loadConfig } from "./load-config.ts";
import { sections } from "./sections.ts";
import { readText } from "./settled-text.ts";

/** What a file says, in lines for people. */
export interface ConfigCheck {
  /** whether a gateway would start with it */
  ok: boolean;
  /** `file:line: field: what to do`, mistakes before warnings */
  remarks: string[];
  summary: string;
}

/** @param source `-` names standard input, whose paths are relative to the folder of now */
export function checkConfig({ file, environment }: ConfigFile): ConfigCheck {
  const name = file === "-" ? "standard input" : file;
  try {
    const text = file === "-" ? readFileSync(0, "utf8") : readText(file).text;
    const { config, warnings } = loadConfig({ text, file: name, environment });
    const remarks = warnings.map(asWarning);
    const caution = remarks.length === 0 ? "" : `, with ${count(remarks.length, "warning")}`;
    return { ok: true, remarks, summary: `${name} is OK${caution}: ${contentsOf(config)}` };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const mistakes = error.message.split("\n");
    const warnings = error.warnings.map(asWarning);
    const caution = warnings.length === 0 ? "" : ` and ${count(warnings.length, "warning")}`;
    const summary = `${name} cannot be used: ${count(mistakes.length, "mistake")}${caution}`;
    return { ok: false, remarks: [...mistakes, ...warnings], summary };
  }
}

function asWarning(line: string): string {
  return `warning: ${line}`;
}

/** `2 applications, 1 identity provider, 3 ingress rules` */
function contentsOf(config: Config): string {
  const lists = Object.keys(sections).map((section) => {
    const objects = config[section as keyof Config];
    return Array.isArray(objects) ? count(objects.length, nouns.get(section) ?? section) : "";
  });
  return lists.filter((text) => text !== "" && !text.startsWith("0 ")).join(", ");
}

/** section → what one of its objects is called */
const nouns = new Map([
  ...[...kinds.values()].map(({ section, noun }) => [section, noun] as const),
  ["ingress", "ingress rule"],
  [policy.section, "reusable policy"],
  ["tests", "test"],
]);

function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`;
  return `${number} ${noun.replace(/y$/, "ie")}s`;
}
