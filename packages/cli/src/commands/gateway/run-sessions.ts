// `sessions list` and `revoke`: the gateway's own package reads the values of the flags and does
// the rest. What people are shown comes from browsers and terminals: it is escaped here.
import { printable, printableJson } from "../../printable.ts";
import { writeOutput } from "../../standard-output.ts";
import { table } from "../access/table.ts";
import type { Invocation } from "../command.ts";
import { type CommandLine, readCommandLine } from "../command-line.ts";
import { type SessionWish, withGateway } from "./gateway-package.ts";
import { needConfig, refuseArguments } from "./run-gateway.ts";

/** @returns the exit status */
export async function runListSessions({
  command,
  args,
  surroundings,
}: Invocation): Promise<number> {
  const line = readCommandLine(args, command.flags);
  refuseArguments(line.rest, "sessions list");
  const wish = wishOf(line, "sessions list");
  return withGateway(surroundings, async ({ listSessions }) => {
    const { json, rows, remark } = await listSessions(wish);
    if (line.has("json")) writeOutput(`${printableJson(json)}\n`);
    else writeOutput(table(rows.map((row) => row.map(printable))));
    if (remark !== undefined) surroundings.tell(printable(remark));
  });
}

/** @returns the exit status */
export async function runRevokeSessions({
  command,
  args,
  surroundings,
}: Invocation): Promise<number> {
  const line = readCommandLine(args, command.flags);
  const [id, ...others] = line.rest;
  refuseArguments(others, "sessions revoke");
  const wish = { ...wishOf(line, "sessions revoke"), id };
  return withGateway(surroundings, async ({ revokeSessions }) => {
    const { json, text } = await revokeSessions(wish);
    writeOutput(`${line.has("json") ? printableJson(json) : printable(text)}\n`);
  });
}

function wishOf(line: CommandLine, command: string): SessionWish & { config: string } {
  const [person, application, kind, limit] = ["person", "application", "kind", "limit"].map(
    line.value,
  );
  return { config: needConfig(line.value("config"), command), person, application, kind, limit };
}
