// `access ssh-gen`: a key and its certificate where ssh finds them. Run by ssh before each login,
// so it says nothing but where they are, and asks the gateway only when it must.
import { readAppUrl } from "../../app-url.ts";
import { onlyForPeople, readMachineCredential } from "../../sign-in/machine-credential.ts";
import { certify } from "../../ssh/certify.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readInvocation } from "../invocation.ts";
import { signInOptions } from "./sign-in-options.ts";
import { readHostname } from "./stream-target.ts";

/** @returns the exit status */
export async function runSshGen(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const app = readAppUrl(readHostname(context, line, "ssh-gen"));
  const machine = readMachineCredential(context, line);
  if (machine !== undefined)
    throw onlyForPeople(machine, "certificates are for people alone; unset it to sign in");
  const readOptions = () =>
    signInOptions(context, line, { mayPrompt: context.onTerminal, check: false });
  const { key } = await certify(context, app, readOptions);
  // The official client says nothing.
  if (context.name === "postern") writeOutput(`${key}\n`);
  return 0;
}
