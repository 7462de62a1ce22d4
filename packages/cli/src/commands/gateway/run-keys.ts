// `keys rotate` and `keys ssh`: the flags are read here, and the gateway's own package does the
// rest.
import { CliError } from "../../exit-status.ts";
import { printable } from "../../printable.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";
import { needConfig, refuseArguments, refuseFile } from "./run-gateway.ts";

/** @returns the exit status */
export async function runRotateCommand(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  refuseFile(line.rest[0], "keys rotate");
  refuseArguments(line.rest, "keys rotate");
  const config = needConfig(line.value("config"), "keys rotate");
  return withGateway(surroundings, async ({ rotateKeys }) => {
    const rotation = await rotateKeys({ config });
    writeOutput(`${rotationLines(rotation).join("\n")}\n`);
  });
}

function rotationLines(rotation: { before: string; now: string; acceptedUntil: number }): string[] {
  const { before, now, acceptedUntil } = rotation;
  if (before === now) return [`Another process rotated the keys at the same time; ${now} signs.`];
  const end = new Date(acceptedUntil).toISOString().replace(/\.\d+Z$/, "Z");
  return [
    `Signing now:  ${now}`,
    `Until now:    ${before}, accepted until ${end}`,
    "Gateways on this store sign with the new key within a second.",
  ];
}

/** @returns the exit status */
export async function runSshCommand(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  refuseArguments(line.rest, "keys ssh");
  const application = line.value("application");
  if (application === undefined)
    throw new CliError("usage", `keys ssh needs an application, for example: ${command.example}`);
  const config = needConfig(line.value("config"), "keys ssh --application NAME");
  return withGateway(surroundings, async ({ showSshAuthority }) => {
    const isReplaced = line.has("replace");
    const authority = await showSshAuthority({ config, application, isReplaced });
    writeOutput(`${printable(authority)}\n`);
  });
}
