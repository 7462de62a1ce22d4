// `access login`: signs in and tells who, to what, where and until when. The token itself is
// printed only where the person asked for it, or where the program stands in for the official
// client (case C10).
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import type { SignedIn } from "../../sign-in/attempt.ts";
import { signIn } from "../../sign-in/login-flow.ts";
import { onlyForPeople, readMachineCredential } from "../../sign-in/machine-credential.ts";
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
    describe(context, signedIn);
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

function describe(context: Context, { application, stored, how }: SignedIn): void {
  const already = how === "stored" ? "Already signed in" : "Signed in";
  const secondsLeft = stored.expires_at - context.now() / 1000;
  context.tell(`${already} as ${stored.email}`);
  context.tell(`  application  ${application.app_hostname}`);
  context.tell(`  team domain  ${application.auth_domain}`);
  context.tell(`  until        ${localTime(stored.expires_at)} (${remaining(secondsLeft)})`);
}

/** `2026-11-28 17:30 GMT+0100`: in the time zone of this machine, and which one that is. */
function localTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  const offset = time.getTimezoneOffset() * 60_000;
  const local = new Date(time.getTime() - offset).toISOString();
  const [date, clock = ""] = local.split("T");
  return `${date} ${clock.slice(0, 5)} ${zoneOf(time)}`;
}

function zoneOf(time: Date): string {
  const [zone = ""] = /GMT[+-]\d{4}/.exec(time.toString()) ?? [];
  return zone === "GMT+0000" ? "UTC" : zone;
}

function remaining(seconds: number): string {
  const minutes = Math.max(0, Math.round(seconds / 60));
  if (minutes < 120) return `${minutes} minutes`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} hours`;
  return `${Math.round(minutes / 1440)} days`;
}
