// `access login`: signs in and says who, to what, where and until when. The token itself is printed only where
// the person asked for it, or where the program stands in for the official client (case C10).
import { readAppUrl } from "../app-url.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, loginFlags, onlyUrl, readCommandLine } from "../command-line.ts";
import { printable } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { type SignedIn, signIn } from "../login-flow.ts";
import { readServiceToken } from "../service-token.ts";
import { signInOptions } from "../sign-in-options.ts";

const flags = { values: ["app"], switches: ["quiet", "no-verbose"], aliases: { q: "quiet" } } as const;

/** @returns the exit status */
export async function runLogin(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags, loginFlags, flags);
  const context = contextOf(surroundings, line);
  const app = readAppUrl(onlyUrl(line, "login"));
  if (readServiceToken(context, line) !== undefined) {
    throw new CliError("usage", "a service token is given, and signing in is for people; unset it, or use it with: postern access curl");
  }
  const quiet = line.has("quiet");
  const signedIn = await signIn(context, app, signInOptions(context, line, { mayPrompt: true, check: true }));
  const { token } = signedIn.stored;
  if (!quiet) describe(context.say, signedIn);
  if (quiet) return 0;
  if (line.has("no-verbose") || line.has("app")) process.stdout.write(token);
  // Word for word: other tools find the token in this text with a regular expression.
  else if (context.name === "cloudflared") process.stdout.write(`Successfully fetched your token:\n\n${token}\n\n`);
  return 0;
}

function describe(say: (text: string) => void, { application, stored, how }: SignedIn): void {
  const until = new Date(stored.expires_at * 1000).toLocaleString("sv-SE", { timeZoneName: "short" });
  const already = how === "stored" ? "Already signed in" : "Signed in";
  say(`${already} as ${printable(stored.email)}`);
  say(`  application  ${application.app_hostname}`);
  say(`  team domain  ${application.auth_domain}`);
  say(`  until        ${until}`);
}
