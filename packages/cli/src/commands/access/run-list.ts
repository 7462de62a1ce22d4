// `access list`: what is stored, whose it is, until when, and where.

import { printable, printableJson } from "@postern/protocol/printable";
import { agoText, untilText } from "@postern/protocol/time-text";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { writeOutput } from "../../standard-output.ts";
import { describeStore } from "../../store/store-choice.ts";
import type { Invocation } from "../command.ts";
import { readInvocation } from "../invocation.ts";
import { type Entry, type Group, listedSessions } from "./listed-sessions.ts";
import { runListGrants } from "./run-list-grants.ts";

/** @returns the exit status */
export async function runList(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  if (line.rest.length > 0) throw new CliError("usage", "access list takes no arguments");
  if (line.has("grants")) return runListGrants(context, line.has("json"));
  const groups = await listedSessions(context, line.has("check"));
  if (line.has("json")) {
    writeOutput(`${printableJson(groups.flatMap(({ entries }) => entries))}\n`);
    return 0;
  }
  if (groups.length === 0) {
    context.tell("No stored sessions. Sign in with: postern access login https://api.example.com");
    return 0;
  }
  const now = context.now();
  const texts = groups.map((group) => linesOf(group, now, line.has("verbose")).join("\n"));
  writeOutput(`${texts.join("\n\n")}\n`);
  context.tell(describeStore(context).sentence);
  return 0;
}

/** A team domain with its person, and below it a line for each thing that is stored. */
function linesOf({ team, entries }: Group, now: number, isVerbose: boolean): string[] {
  const people = [...new Set(entries.map(({ email }) => email))];
  const rows = entries.map((entry) => [
    nameOf(entry),
    stateOf(entry, now),
    personOf(entry, people),
  ]);
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  const lines = entries.flatMap((entry, index) => {
    const [name = "", ...rest] = rows[index] ?? [];
    const row = `  ${name.padEnd(width)}  ${rest.filter((text) => text !== "").join("  ")}`;
    return isVerbose ? [row, ...detailsOf(entry)] : [row];
  });
  return [`${team}  ${people.join(", ")}`, ...lines].map(printable);
}

function nameOf({ kind, url }: Entry): string {
  return kind === "team" ? "the session itself" : url;
}

function stateOf({ expires_at, expired, ended, refused }: Entry, now: number): string {
  const end = Date.parse(expires_at ?? "");
  if (expired) return `expired ${agoText(end, now)}`;
  if (ended === true) return "ended at the gateway";
  if (refused === true) return "refused by policy";
  return expires_at === undefined ? "" : untilText(end, now);
}

/** Named on its line only where there are several. */
function personOf({ email }: Entry, people: readonly string[]): string {
  return people.length > 1 ? email : "";
}

function detailsOf({ application, aud, stored_in }: Entry): string[] {
  const details = defined({ application, AUD: aud, "stored in": stored_in });
  return Object.entries(details).map(([name, text]) => `    ${name.padEnd(11)}  ${text}`);
}
