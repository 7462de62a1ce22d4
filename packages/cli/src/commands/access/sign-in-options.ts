// How a command may sign in, read from its flags.
import { parseDuration } from "@postern/protocol/durations";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import type { SignInOptions } from "../../sign-in/attempt.ts";
import type { CommandLine } from "../command-line.ts";

/**
 * How the command may sign in, from its flags.
 * @throws {CliError} usage
 */
export function signInOptions(
  context: Context,
  line: CommandLine,
  { mayPrompt, check }: Pick<SignInOptions, "mayPrompt" | "check">,
): SignInOptions {
  return {
    mayPrompt: mayPrompt && !line.has("no-login"),
    check,
    quiet: line.has("quiet"),
    openBrowser: !line.has("no-browser") && (context.environment["CI"] ?? "") === "",
    qr: readQr(line),
    autoClose: line.has("auto-close"),
    federal: line.has("fedramp"),
    loginHint: readLoginHint(line.value("login-hint")),
    prompt: readPrompt(line.value("prompt")),
    timeout: readTimeout(line.value("timeout") ?? ""),
  };
}

/** `--no-qr` wins; undefined where neither is given. */
function readQr(line: CommandLine): boolean | undefined {
  if (line.has("no-qr")) return false;
  return line.has("qr") || undefined;
}

const longestHint = 254;

/** As the gateway takes one: it would refuse another only on the page. */
function readLoginHint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const isHint = text !== "" && Buffer.byteLength(text) <= longestHint && !/\p{Cc}/u.test(text);
  if (isHint) return text;
  throw new CliError(
    "usage",
    `--login-hint takes an email address of at most ${longestHint} bytes; leave it out to sign in with any account`,
  );
}

function readTimeout(text: string): number {
  const timeout = durationOf(text);
  if (timeout !== undefined && timeout > 0) return timeout;
  throw new CliError(
    "usage",
    `--timeout ${text.slice(0, 40)} is not a duration; write it like 90s or 8m`,
  );
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

/**
 * OpenID Connect Core 1.0 section 3.1.2.1. Its other two values make no sense where somebody is to
 * sign in.
 */
function readPrompt(text: string | undefined): SignInOptions["prompt"] {
  if (text === undefined || text === "login" || text === "select_account") return text;
  throw new CliError(
    "usage",
    `--prompt ${text.slice(0, 40)} is unknown; use login or select_account`,
  );
}
