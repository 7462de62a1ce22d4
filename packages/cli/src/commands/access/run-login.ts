// `access login`: signs in and says who, to what, where and until when. The token itself is printed
// only where the person asked for it, or where the program stands in for the official client (case
// C10).

import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { type SignedIn, signIn } from "../../sign-in/login-flow.ts";
import { readServiceToken } from "../../sign-in/service-token.ts";
import { writeOutput } from "../../standard-output.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, loginFlags, onlyUrl, readCommandLine } from "../command-line.ts";
import { signInOptions } from "./sign-in-options.ts";

const flags = {
  values: ["app", "login-hint", "prompt"],
  switches: ["quiet", "no-verbose"],
  aliases: { q: "quiet" },
} as const;

/** @returns the exit status */
export async function runLogin(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags, loginFlags, flags);
  const context = contextOf(surroundings, line);
  const app = readAppUrl(onlyUrl(line, "login"));
  if (readServiceToken(context, line) !== undefined) {
    throw new CliError(
      "usage",
      "a service token is given, and signing in is for people; unset it, or use it with: postern access curl",
    );
  }
  const quiet = line.has("quiet");
  const signedIn = await signIn(
    context,
    app,
    signInOptions(context, line, { mayPrompt: true, check: true }),
  );
  const { token } = signedIn.stored;
  if (!quiet) describe(context, signedIn);
  if (quiet) return 0;
  if (line.has("no-verbose") || line.has("app")) writeOutput(token);
  // Word for word: other tools find the token in this text with a regular expression.
  else if (context.name === "cloudflared")
    writeOutput(`Successfully fetched your token:\n\n${token}\n\n`);
  return 0;
}

function describe(context: Context, { application, stored, how }: SignedIn): void {
  const already = how === "stored" ? "Already signed in" : "Signed in";
  context.say(`${already} as ${stored.email}`);
  context.say(`  application  ${application.app_hostname}`);
  context.say(`  team domain  ${application.auth_domain}`);
  context.say(
    `  until        ${localTime(stored.expires_at)} (${remaining(stored.expires_at - context.now() / 1000)})`,
  );
}

/** In the time zone of this machine, and which one that is. */
function localTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString();
  const zone = /GMT[+-]\d{4}/.exec(time.toString())?.[0] ?? "";
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 16)} ${zone === "GMT+0000" ? "UTC" : zone}`;
}

function remaining(seconds: number): string {
  const minutes = Math.max(0, Math.round(seconds / 60));
  if (minutes < 120) return `${minutes} minutes`;
  return minutes < 48 * 60
    ? `${Math.round(minutes / 60)} hours`
    : `${Math.round(minutes / 1440)} days`;
}
