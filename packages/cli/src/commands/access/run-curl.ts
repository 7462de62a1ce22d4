// `access curl`: curl with the token of the application that each URL belongs to. Nothing secret is
// in the argument list; standard streams and exit status are curl's.

import type { AppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { readCurlArguments } from "../../curl/curl-arguments.ts";
import {
  addCredentials,
  addServiceToken,
  type Carrier,
  type CurlTarget,
} from "../../curl/curl-credentials.ts";
import { networkArguments } from "../../curl/curl-network.ts";
import { allTargets, readSections } from "../../curl/curl-sections.ts";
import { CliError } from "../../exit-status.ts";
import { applicationFor, type Credential, credentialFor } from "../../sign-in/credential.ts";
import { readServiceToken, withoutServiceToken } from "../../sign-in/service-token.ts";
import { loopbackEnvironment } from "../../tool/loopback-environment.ts";
import { runTool } from "../../tool/run-tool.ts";
import { SecretDescriptors } from "../../tool/secret-descriptor.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { type CommandLine, commonFlags, loginFlags, readCommandLine } from "../command-line.ts";

/** @returns the exit status */
export async function runCurl(surroundings: Surroundings, args: string[]): Promise<number> {
  const { parts, own } = readCurlArguments(args);
  const line = readCommandLine(own.args, commonFlags, loginFlags);
  const context = contextOf(surroundings, line);
  const carrier = readCarrier(own.tokenIn ?? "cookie");
  const service = readServiceToken(context, line);
  const sections = readSections(context, parts);
  for (const target of allTargets(sections)) {
    target.credential = await find(context, target.app, line, {
      allowRequest: own.allowRequest,
      service: service !== undefined,
    });
  }
  if (service !== undefined) refuseSeveralTeams(allTargets(sections));
  if (sections.some(({ hasUnreadUrls, targets }) => hasUnreadUrls && targets.size === 0))
    context.say(
      "Warning: URLs that come from standard input, variables or files that cannot be read get no token.",
    );
  const secrets = new SecretDescriptors(context);
  try {
    const written = sections.map((section) => [
      ...(service === undefined
        ? addCredentials(section, carrier, secrets, context.say)
        : addServiceToken(section, service, secrets)),
      ...networkArguments(context, section, secrets),
    ]);
    const environment = loopbackEnvironment(
      withoutServiceToken(context.environment),
      allTargets(sections).map(({ app }) => app),
    );
    const joined = written.flatMap((each, index) => (index === 0 ? each : ["--next", ...each]));
    return await runTool(
      { command: "curl", args: joined, environment, descriptors: secrets.descriptors },
      context.say,
    );
  } finally {
    secrets.close();
  }
}

function readCarrier(text: string): Carrier {
  if (text === "cookie" || text === "header" || text === "query") return text;
  throw new CliError(
    "usage",
    `--token-in ${text.slice(0, 40)} is unknown; it is header, query or cookie (the default)`,
  );
}

/** A service token belongs to one team domain; what is behind another one is somebody else's. */
function refuseSeveralTeams(targets: CurlTarget[]): void {
  const teams = new Set(targets.map(({ credential }) => credential?.application.auth_domain));
  if (teams.size > 1)
    throw new CliError(
      "usage",
      `the URLs belong to several team domains (${[...teams].join(", ")}), and a service token to one; ask them apart`,
    );
}

/**
 * With `-ar` whatever stands in the way of a token only means that the request goes out without
 * one.
 */
async function find(
  context: Context,
  app: AppUrl,
  line: CommandLine,
  how: { allowRequest: boolean; service: boolean },
): Promise<Credential | undefined> {
  try {
    // A service token goes only to what proved to be behind Access.
    if (how.service) return { application: await applicationFor(context, app), stored: undefined };
    return await credentialFor(context, app, line, context.onTerminal && !how.allowRequest);
  } catch (error) {
    if (how.allowRequest && error instanceof CliError && error.code !== "usage" && !how.service)
      return undefined;
    throw error;
  }
}
