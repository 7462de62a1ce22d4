// What git asks when it wants a password for a port of this machine (gitcredentials(7)). First it
// asks for that of the proxy, before it connects: then the forge's stand-in is started, and a
// person signs in where that is needed. Whatever else it asks for is the forge's own, and is got
// from git under the forge's own name: passwords that are stored for the forge are found, and no
// others (docs/adr/0028).
import { spawn } from "node:child_process";
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import {
  type CredentialLines,
  credentialText,
  credentialValue,
  forPlace,
  readCredentialLines,
} from "../../git/credential-lines.ts";
import { refuseOtherListener, startForge } from "../../git/forge-process.ts";
import { type Forge, forgeAt } from "../../git/forges.ts";
import { starter } from "../../git/git-settings.ts";
import { writeOutput } from "../../standard-output.ts";
import { withSafePath } from "../../tool/find-tool.ts";
import type { CommandLine } from "../command-line.ts";
import { applicationSource } from "./application-source.ts";

/** @returns the exit status */
export async function answerGit(
  context: Context,
  line: CommandLine,
  [verb = ""]: readonly string[],
): Promise<number> {
  const asked = readCredentialLines(await readInput());
  try {
    const { port } = new URL(`http://${credentialValue(asked, "host") ?? ""}`);
    const forge = forgeAt(context.home, Number(port));
    if (credentialValue(asked, "username") === starter)
      return await beginWith(context, line, verb, forge);
    return await passOn(context, verb, forge, asked);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    context.tell(`postern: ${error.message}`);
    // Or git would ask the person for a password that nobody has.
    if (verb === "get") writeOutput(credentialText([["quit", "1"]]));
    return 0;
  }
}

async function beginWith(
  context: Context,
  line: CommandLine,
  verb: string,
  forge: Forge,
): Promise<number> {
  if (verb !== "get") return 0;
  const { profile, url } = forge;
  const own = { ...context, onTerminal: context.onTerminal, profile, caFile: forge.caFile };
  const app = readAppUrl(url);
  await applicationSource(own, app, line).fieldsFor({ method: "GET", url: new URL(app.href) });
  await startForge(own, forge);
  // The stand-in knows its user by other means, and looks at no password.
  writeOutput(
    credentialText([
      ["username", starter],
      ["password", "none"],
    ]),
  );
  return 0;
}

const gitVerbs: Readonly<Record<string, string>> = {
  get: "fill",
  store: "approve",
  erase: "reject",
};

async function passOn(
  { environment }: Context,
  verb: string,
  forge: Forge,
  asked: CredentialLines,
): Promise<number> {
  const gitVerb = gitVerbs[verb];
  if (gitVerb === undefined) return 0;
  if (verb === "get") refuseOtherListener(forge);
  const { url } = forge;
  const local = credentialValue(asked, "host") ?? "";
  const place = forPlace(asked, new URL(url));
  const answer = await runGitCredential(environment, gitVerb, place);
  if (answer === undefined) throw new CliError("failure", `no password for ${url}`);
  if (verb !== "get") return 0;
  writeOutput(credentialText(forPlace(answer, new URL(`http://${local}`))));
  return 0;
}

/** @returns undefined where git has none, and nobody to ask for one */
function runGitCredential(
  environment: NodeJS.ProcessEnv,
  verb: string,
  lines: CredentialLines,
): Promise<CredentialLines | undefined> {
  const child = spawn("git", ["credential", verb], {
    env: withSafePath(environment),
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(credentialText(lines));
  let output = "";
  child.stdout.on("data", (piece: Buffer) => {
    output += piece.toString("utf8");
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("close", (status) =>
      resolve(status === 0 ? readCredentialLines(output) : undefined),
    );
  });
}

async function readInput(): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}
