// `access git setup`: git's configuration, and a port of this machine for each forge.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { type Forge, readForges, writeForges } from "../../git/forges.ts";
import {
  removeSettings,
  settingsFile,
  settingsText,
  shellLine,
  writeSettings,
} from "../../git/git-settings.ts";
import { applicationFor } from "../../sign-in/credential.ts";
import { writeOutput } from "../../standard-output.ts";
import { ownCommand } from "../../tool/own-command.ts";
import type { CommandLine } from "../command-line.ts";

/** @returns the exit status */
export async function setUpGit(
  context: Context,
  line: CommandLine,
  urls: readonly string[],
): Promise<number> {
  if (line.has("remove")) return remove(context, urls);
  let forges = readForges(context.home);
  for (const text of urls) {
    const forge = await newForge(context, forges, text);
    forges = [...forges.filter(({ url }) => url !== forge.url), forge];
  }
  if (urls.length > 0) await write(context, forges);
  show(context, forges);
  return 0;
}

/** A forge has to be behind Access, and keeps the port that it has. */
async function newForge(context: Context, forges: readonly Forge[], text: string): Promise<Forge> {
  const app = readAppUrl(text);
  await applicationFor(context, app);
  const url = forgeUrl(app);
  const port = forges.find((each) => each.url === url)?.port ?? (await freePort(forges));
  const caFile = context.caFile === undefined ? undefined : resolve(context.caFile);
  return { url, port, profile: context.profile, ...defined({ caFile }) };
}

function forgeUrl({ bare }: AppUrl): string {
  return bare.endsWith("/") ? bare : `${bare}/`;
}

async function write(context: Context, forges: readonly Forge[]): Promise<void> {
  writeForges(context.home, forges);
  await writeSettings(context, textFor(context, forges));
}

function textFor({ home }: Context, forges: readonly Forge[]): string {
  const words = ["env", `POSTERN_HOME=${home}`, ...ownCommand(), "access", "git", "credential"];
  return settingsText(forges, shellLine(words));
}

async function remove(context: Context, urls: readonly string[]): Promise<number> {
  const before = readForges(context.home);
  const wanted = urls.map((text) => forgeUrl(readAppUrl(text)));
  const unknown = wanted.find((url) => before.every((each) => each.url !== url));
  if (unknown !== undefined) throw new CliError("usage", `${unknown} is not set up`);
  const gone = before.filter(({ url }) => wanted.length === 0 || wanted.includes(url));
  const rest = before.filter((forge) => !gone.includes(forge));
  if (rest.length > 0) await write(context, rest);
  else await removeAll(context, before);
  for (const { url } of gone) context.tell(`git asks ${url} itself again.`);
  return 0;
}

async function removeAll(context: Context, before: readonly Forge[]): Promise<void> {
  await removeSettings(context);
  if (before.length > 0) writeForges(context.home, []);
}

function show(context: Context, forges: readonly Forge[]): void {
  if (forges.length === 0) {
    context.tell("No forge is set up; set one up with: postern access git setup URL");
    return;
  }
  context.tell(`git's configuration includes ${settingsFile(context.home)}:`);
  writeOutput(textFor(context, forges));
}

/** Below the ports that systems give to connections: one is free tomorrow as well. */
const [lowestPort, highestPort] = [20_000, 29_999];
const mostTries = 100;

async function freePort(forges: readonly Forge[]): Promise<number> {
  for (let tries = 0; tries < mostTries; tries++) {
    const port = randomInt(lowestPort, highestPort + 1);
    if (forges.every((each) => each.port !== port) && (await isFree(port))) return port;
  }
  throw new CliError("failure", "no port of this machine is free; end programs that listen");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => done(true));
    });
  });
}
