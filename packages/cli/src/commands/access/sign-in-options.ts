import { ProtocolError, parseDuration } from "@postern/protocol";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import type { SignInOptions } from "../../sign-in/login-flow.ts";
import type { CommandLine } from "../command-line.ts";

/**
 * The official client gives up after ten polls of a minute; a person who has not answered by then
 * has gone.
 */
const defaultTimeout = "8m";

/**
 * How this command may sign in, from its flags.
 * @throws {CliError} usage
 */
export function signInOptions(
  context: Context,
  line: CommandLine,
  wanted: { mayPrompt: boolean; check: boolean },
): SignInOptions {
  const timeout = readTimeout(line.value("timeout") ?? defaultTimeout);
  return {
    mayPrompt: wanted.mayPrompt && !line.has("no-login"),
    check: wanted.check,
    openBrowser: !line.has("no-browser") && (context.environment["CI"] ?? "") === "",
    qr: line.has("no-qr") ? false : line.has("qr") ? true : undefined,
    autoClose: line.has("auto-close"),
    loginHint: line.value("login-hint") || undefined,
    prompt: readPrompt(line.value("prompt")),
    timeout,
  };
}

function readTimeout(text: string): number {
  try {
    const timeout = parseDuration(text);
    if (timeout > 0) return timeout;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw new CliError(
    "usage",
    `--timeout ${text.slice(0, 40)} is not a time; write it like 90s or 8m`,
  );
}

/**
 * OpenID Connect Core 1.0 section 3.1.2.1; the other two make no sense where somebody is to sign
 * in.
 */
function readPrompt(text: string | undefined): SignInOptions["prompt"] {
  if (text === undefined || text === "login" || text === "select_account") return text;
  throw new CliError(
    "usage",
    `--prompt ${text.slice(0, 40)} is unknown; it is login or select_account`,
  );
}
