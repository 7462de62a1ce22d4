// The secrets of one run of the tests, in a file that whoever watches its processes reads
// (process-watch.ts). Tokens need no note: they are told by their form.
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** Names the file; without it nobody watches. */
export const secretsVariable = "POSTERN_TEST_SECRETS";

/** Shorter ones would be found in anything. */
const shortest = 6;

/** Notes what no process may show, before anybody starts one with it. */
export function noteSecrets(...secrets: (string | undefined)[]): void {
  const file = process.env[secretsVariable];
  const worth = secrets.filter((each) => each !== undefined && each.length >= shortest);
  if (file === undefined || worth.length === 0) return;
  appendFileSync(file, worth.map((each) => `${JSON.stringify(each)}\n`).join(""));
}

/** Variables in which a person gives this program a secret. */
const secretVariables: ReadonlySet<string> = new Set([
  "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
  "POSTERN_SERVICE_TOKEN_SECRET",
  "TUNNEL_SERVICE_TOKEN_SECRET",
]);

/** Notes what a command line is given: in variables, and in the files that flags name. */
export function noteGivenSecrets(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): void {
  for (const [name, value] of Object.entries(environment)) {
    if (secretVariables.has(name)) noteSecrets(value);
    if (/_SECRET_FILE$/.test(name)) noteFile(value);
  }
  const flag = args.indexOf("--service-token-secret-file");
  if (flag >= 0) noteFile(args[flag + 1]);
}

function noteFile(path: string | undefined): void {
  if (path !== undefined && existsSync(path)) noteSecrets(readFileSync(path, "utf8").trim());
}
