// `access login`: signs in and tells who, to what, where and until when. The token itself is
// printed only where the person asked for it, or where the program stands in for the official
// client (case C10).
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { signIn } from "../../sign-in/login-flow.ts";
import { onlyForPeople, readMachineCredential } from "../../sign-in/machine-credential.ts";
import { signedInLines } from "../../sign-in/signed-in-lines.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { onlyUrl } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { signInOptions } from "./sign-in-options.ts";

/** @returns the exit status */
export async function runLogin(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const app = readAppUrl(onlyUrl(line, "login"));
  const machine = readMachineCredential(context, line);
  if (machine !== undefined)
    throw onlyForPeople(
      machine,
      "only people sign in; unset it, or use it with: postern access curl",
    );

  const options = signInOptions(context, line, { mayPrompt: true, check: true });
  const signedIn = await signIn(context, app, options);
  if (!line.has("quiet")) {
    // The approval has said so already.
    const lines = signedIn.how === "approved" ? [] : signedInLines(context, app, signedIn);
    for (const text of lines) context.show(text);
    const wantsToken = line.has("no-verbose") || line.has("app");
    writeOutput(outputOf(signedIn.stored.token, wantsToken, context.name));
  }
  // The next command would find nothing.
  if (signedIn.fault !== undefined) throw signedIn.fault;
  return 0;
}

function outputOf(token: string, wantsToken: boolean, program: Context["name"]): string {
  if (wantsToken) return token;
  if (program === "postern") return "";
  // Word for word: other tools find the token in this text with a regular expression.
  return `Successfully fetched your token:\n\n${token}\n\n`;
}
