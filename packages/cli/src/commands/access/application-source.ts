// What opens one application to a command, from its flags: the credential of a program, or a
// person's, who is asked to sign in on a terminal.
import type { AppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import {
  type CredentialSource,
  machineSource,
  personSource,
} from "../../sign-in/credential-source.ts";
import { readMachineCredential } from "../../sign-in/machine-credential.ts";
import type { CommandLine } from "../command-line.ts";
import { signInOptions } from "./sign-in-options.ts";

export function applicationSource(
  context: Context,
  app: AppUrl,
  line: CommandLine,
): CredentialSource {
  const machine = readMachineCredential(context, line);
  if (machine !== undefined) return machineSource(context, app, machine);
  const mayPrompt = context.onTerminal;
  return personSource(context, app, () =>
    signInOptions(context, line, { mayPrompt, check: false }),
  );
}
