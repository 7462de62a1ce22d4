// What the library takes in place of a command line: a few options and the environment.

import type { Context } from "../context.ts";
import type { SignInOptions } from "../sign-in/attempt.ts";
import { settleStore } from "../store/choose-store.ts";
import { posternHome } from "../store/home.ts";
import { plainText } from "../styled-line.ts";
import type { LibraryOptions } from "./library-types.d.ts";

/** The library asks nobody, so the rest does not count. */
export const withoutPerson: SignInOptions = {
  mayPrompt: false,
  check: false,
  quiet: true,
  openBrowser: false,
  qr: false,
  autoClose: false,
  loginHint: undefined,
  prompt: undefined,
  timeout: 0,
};

/**
 * The surroundings of one call.
 * @throws {CliError} usage when the environment asks for an unknown store
 */
export function contextFor({ profile, caFile, onMessage }: LibraryOptions): Context {
  const { env: environment, platform } = process;
  const tell = onMessage ?? (() => {});
  const context: Context = {
    name: "postern",
    environment,
    home: posternHome(environment, platform),
    now: Date.now,
    onTerminal: false,
    tell,
    show: (line) => tell(plainText(line)),
    status: () => {},
    color: "never",
    profile: profile ?? (environment["POSTERN_PROFILE"] || "default"),
    caFile: caFile ?? (environment["POSTERN_CA_FILE"] || undefined),
    debug: false,
  };
  settleStore(context);
  return context;
}
