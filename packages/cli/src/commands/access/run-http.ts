// `access http`: the application on a port of this machine or on a Unix socket, with the credential
// added in this process. It runs until it is interrupted.

import { printableJson } from "@postern/protocol/printable";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { knowsPeers } from "../../listening/peer-owner.ts";
import { anyPort, type ListenPlace, readListenPlace } from "../../local-proxy/listen-place.ts";
import {
  type LocalProxy,
  type LocalProxyOptions,
  startLocalProxy,
} from "../../local-proxy/local-proxy.ts";
import { applicationFor } from "../../sign-in/credential.ts";
import { readMachineCredential } from "../../sign-in/machine-credential.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import type { CommandLine } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { openedSource } from "./opened-source.ts";

/** @returns the exit status */
export async function runHttp(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const app = readAppUrl(onlyApplication(line));
  const place = readPlace(line);
  const machine = readMachineCredential(context, line);
  // Whoever is not signed in, or not let in, learns it before anything listens.
  const application = await applicationFor(context, app);
  const source = await openedSource({ context, line, machine }, app);
  await serve(context, line, { app, team: application.team, source, place });
  return 0;
}

function onlyApplication(line: CommandLine): string {
  const [application, ...more] = [...line.all("hostname"), ...line.rest];
  if (application !== undefined && more.length === 0) return application;
  const problem = application === undefined ? "needs an application" : "takes one application";
  throw new CliError(
    "usage",
    `access http ${problem}, for example: postern access http https://api.example.com --url localhost:8080`,
  );
}

function readPlace(line: CommandLine): ListenPlace {
  const text = line.value("url");
  return text === undefined ? anyPort : readListenPlace(text);
}

/**
 * Serves the application until a signal ends it. A program that asked for JSON is told of events in
 * place of messages (docs/cli.md).
 * @param beforehand runs once it listens, before anybody is told so
 */
export async function serve(
  context: Context,
  line: CommandLine,
  options: Omit<LocalProxyOptions, "report">,
  beforehand: () => void = () => {},
): Promise<void> {
  const { app, place } = options;
  const isForProgram = line.has("json");
  const report = (reason: string) => emit({ event: "refused", reason });
  const proxy = await startLocalProxy(context, isForProgram ? { ...options, report } : options);
  // Before anybody is told that it runs, and may end it.
  const ended = endOf(proxy);
  beforehand();
  if (isForProgram) emit({ event: "ready", application: app.origin, ...placeOf(place, proxy) });
  else announce(context, app, place, proxy);
  await ended;
  if (isForProgram) emit({ event: "ended", cut: proxy.cutCount });
}

/** One line for the program that started the command. */
export function emit(event: object): void {
  writeOutput(`${printableJson(event)}\n`);
}

function placeOf(place: ListenPlace, { url }: LocalProxy): { socket: string } | { url: string } {
  return place.kind === "unix" ? { socket: place.path } : { url: `${url}/` };
}

function announce(context: Context, app: AppUrl, place: ListenPlace, { url }: LocalProxy): void {
  const shown = place.kind === "unix" ? `unix:${place.path}` : `${url}/`;
  context.tell(`${app.origin} is served at ${shown} until you press Ctrl-C.`);
  if (place.kind === "tcp" && !knowsPeers)
    context.tell(
      "Other users of this machine can use this port while it is open; a Unix socket keeps them out.",
    );
}

const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal lets requests finish that are under way, the second one does not. */
function endOf(proxy: LocalProxy): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false;
    const end = () => {
      if (isEnding) proxy.close();
      isEnding = true;
      void proxy.drain().then(resolve);
    };
    for (const signal of endings) process.on(signal, end);
  });
}
