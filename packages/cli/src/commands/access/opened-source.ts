// The credential of a command that asks an application for long, tried before anything else:
// whoever is not signed in, or not let in, learns it at once.
import type { AppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import {
  type CredentialSource,
  machineSource,
  personSource,
} from "../../sign-in/credential-source.ts";
import type { MachineCredential } from "../../sign-in/machine-credential.ts";
import type { CommandLine } from "../command-line.ts";
import { signInOptions } from "./sign-in-options.ts";

/** A command, and the program's credential that it was given. */
export interface Asker {
  context: Context;
  line: CommandLine;
  machine: MachineCredential | undefined;
}

/**
 * What opens the application, once it has: a program's credential where there is one, else a
 * person's.
 * @throws {CliError} with any code
 */
export async function openedSource(
  { context, line, machine }: Asker,
  app: AppUrl,
): Promise<CredentialSource> {
  const readOptions = () =>
    signInOptions(context, line, { mayPrompt: context.onTerminal, check: false });
  const source =
    machine === undefined
      ? personSource(context, app, readOptions)
      : machineSource(context, app, machine);
  await source.fieldsFor({ method: "GET", url: new URL(app.bare) });
  return source;
}
