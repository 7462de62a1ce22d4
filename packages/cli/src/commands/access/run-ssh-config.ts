// `access ssh-config`: prints the block for `~/.ssh/config`, and changes no file.
import { resolve } from "node:path";
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { clientConfig, configPath, shellWord } from "../../ssh/client-config.ts";
import { keyFilesOf, keyFolder } from "../../ssh/key-files.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import type { CommandLine } from "../command-line.ts";
import { ownWords } from "../gateway/own-command.ts";
import { readInvocation } from "../invocation.ts";
import { readHostname } from "./stream-target.ts";

/** @returns the exit status */
export async function runSshConfig(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const { host, hostname } = readPattern(readHostname(context, line, "ssh-config"));
  const words = (texts: readonly string[]) =>
    texts.map((text) => shellWord(text, process.platform));
  const files = line.has("short-lived-cert") ? filesFor(context, hostname) : undefined;
  const program = words(ownWords(context.environment, process.argv[1] ?? "")).join(" ");
  const block = clientConfig({ host, hostname, program, flags: words(flagsOf(line)), files });
  context.tell("Add this to ~/.ssh/config:");
  writeOutput(block);
  return 0;
}

/** Other hosts than `%h` have a port, which the name that ssh is given does not hold. */
function readPattern(text: string): { host: string; hostname: string } {
  const isPattern = /^[a-z0-9.*?-]+$/i.test(text) && /[*?]/.test(text);
  if (isPattern) return { host: text, hostname: "%h" };
  const { host, hostname } = readAppUrl(text);
  if (/[^a-z0-9.:[\]_-]/.test(host))
    throw new CliError(
      "usage",
      "--hostname needs the name of a host, or a pattern such as *.example.com",
    );
  return { host: hostname, hostname: host === hostname ? "%h" : host };
}

function filesFor(context: Context, hostname: string): { key: string; certificate: string } {
  const { platform } = process;
  if (hostname !== "%h") {
    const { key, certificate } = keyFilesOf(context, hostname);
    return { key: configPath(key, platform), certificate: configPath(certificate, platform) };
  }
  const key = `${configPath(keyFolder(context), platform)}/%h-key`;
  return { key, certificate: `${key}-cert.pub` };
}

/** What was said here holds for every login. */
function flagsOf(line: CommandLine): string[] {
  const profile = line.value("profile");
  const caFile = line.value("ca-file");
  return [
    ...(profile === undefined ? [] : ["--profile", profile]),
    ...(caFile === undefined ? [] : ["--ca-file", resolve(caFile)]),
  ];
}
