// `access curl`: curl with the token of the application that each URL belongs to. Nothing secret is
// in the argument list; standard streams and exit status are curl's.
import type { AppUrl } from "../../app-url.ts";
import { type Context, withNetwork } from "../../context.ts";
import { hasToken } from "../../curl/cookie-file.ts";
import { readCurlArguments } from "../../curl/curl-arguments.ts";
import { addCredentials, addMachineFields } from "../../curl/curl-credentials.ts";
import { refuseCookiesByHeader } from "../../curl/curl-host-header.ts";
import { networkOf, refuseOpenWays } from "../../curl/curl-lookup.ts";
import { networkArguments } from "../../curl/curl-network.ts";
import { portArguments, refuseSeveralPorts } from "../../curl/curl-ports.ts";
import { filesWithSecrets, keepPrivate } from "../../curl/curl-private-files.ts";
import type { Carrier, CurlSection, CurlTarget } from "../../curl/curl-section.ts";
import { allTargets, readSections } from "../../curl/curl-sections.ts";
import { CliError } from "../../exit-status.ts";
import { applicationFor, bareCredentialFor, type Credential } from "../../sign-in/credential.ts";
import {
  type HeaderFields,
  type MachineCredential,
  readMachineCredential,
  withoutMachineCredentials,
} from "../../sign-in/machine-credential.ts";
import { loopbackEnvironment } from "../../tool/loopback-environment.ts";
import { runTool } from "../../tool/run-tool.ts";
import { SecretDescriptors } from "../../tool/secret-descriptor.ts";
import type { Invocation } from "../command.ts";
import { type CommandLine, readCommandLine } from "../command-line.ts";
import { contextOf } from "../invocation.ts";
import { signInOptions } from "./sign-in-options.ts";

/** @returns the exit status */
export async function runCurl({ command, args, surroundings }: Invocation): Promise<number> {
  const { parts, own } = readCurlArguments(args, command.flags);
  const line = readCommandLine(own, command.flags);
  const context = contextOf(surroundings, line);
  const carrier = readCarrier(line.value("token-in") ?? "");
  const machine = readMachineCredential(context, line);
  const sections = readSections(context, parts);
  for (const section of sections) await findCredentials(context, section, line, machine);
  const fields = await machineFields(context, sections, machine);
  if (carrier === "cookie") {
    refuseSeveralPorts(allTargets(sections));
    refuseCookiesByHeader(sections);
  }
  warnAboutUnreadUrls(context, sections);
  if (carriesSecrets(sections, fields)) keepPrivate(filesWithSecrets(sections, carrier));
  const secrets = new SecretDescriptors(context);
  try {
    const toolArguments = argumentsWith(context, sections, { carrier, fields }, secrets);
    const apps = allTargets(sections).map(({ app }) => app);
    const environment = loopbackEnvironment(
      withoutMachineCredentials(context.environment, machine),
      apps,
    );
    const { descriptors } = secrets;
    const tool = { command: "curl", args: toolArguments, environment, descriptors };
    const status = await runTool(tool, context.tell);
    await tellWhy(context, status, sections);
    return status;
  } finally {
    secrets.close();
  }
}

function carriesSecrets(sections: CurlSection[], fields: HeaderFields | undefined): boolean {
  return fields !== undefined || allTargets(sections).some(hasToken);
}

/** curl's own statuses: an HTTP error with `-f`, and no connection, the last by way of a proxy. */
const httpError = 22;
const noConnection = [7, 56];

/** The reason for a failure that is ours, on standard error; curl's status stays. */
async function tellWhy(context: Context, status: number, sections: CurlSection[]): Promise<void> {
  if (status === httpError) await tellOfDeadTokens(context, allTargets(sections));
  if (
    noConnection.includes(status) &&
    sections.some((section) => portArguments(section, allTargets(sections)).length > 0)
  )
    context.tell(
      "postern: redirects to other ports of the application's host are blocked: with -L, curl would send them the token",
    );
}

async function tellOfDeadTokens(context: Context, targets: CurlTarget[]): Promise<void> {
  const { forgetDeadToken } = await import("../../sign-in/login-flow.ts");
  for (const { app, credential } of targets)
    if (credential?.stored !== undefined && (await forgetDeadToken(context, app, credential)))
      context.tell(
        `postern: the session at ${app.origin} has ended; sign in with: postern access login ${app.origin}`,
      );
}

function readCarrier(text: string): Carrier {
  if (text === "cookie" || text === "header" || text === "query") return text;
  throw new CliError(
    "usage",
    `--token-in ${text.slice(0, 40)} is unknown; use header, query or cookie (the default)`,
  );
}

/** What is asked before curl runs is asked over curl's network. */
async function findCredentials(
  context: Context,
  section: CurlSection,
  line: CommandLine,
  machine: MachineCredential | undefined,
): Promise<void> {
  const network = networkOf(section);
  refuseOpenWays(section, network);
  const sectionContext = withNetwork(context, network);
  for (const target of section.targets.values())
    target.credential = await findCredential(sectionContext, target.app, line, machine);
}

/**
 * The credential for one URL. With `-ar`, whatever stands in the way of a token only means that the
 * request goes out without one.
 */
async function findCredential(
  context: Context,
  app: AppUrl,
  line: CommandLine,
  machine: MachineCredential | undefined,
): Promise<Credential | undefined> {
  // A machine's credential goes only to what proved to be behind Access.
  if (machine !== undefined)
    return { application: await applicationFor(context, app), stored: undefined };
  const allowRequest = line.has("allow-request");
  const mayPrompt = context.onTerminal && !allowRequest;
  try {
    return await bareCredentialFor(context, app, () =>
      signInOptions(context, line, { mayPrompt, check: false }),
    );
  } catch (error) {
    if (allowRequest && error instanceof CliError && error.code !== "usage") return undefined;
    throw error;
  }
}

/**
 * The fields of the machine's credential, once every application has taken them; undefined where
 * there is no such credential, or nothing to open with it.
 */
async function machineFields(
  context: Context,
  sections: CurlSection[],
  machine: MachineCredential | undefined,
): Promise<HeaderFields | undefined> {
  if (machine === undefined) return undefined;
  refuseSeveralTeams(allTargets(sections), machine);
  let fields: HeaderFields | undefined;
  const asked = new Set<string>();
  for (const section of sections) {
    const sectionContext = withNetwork(context, networkOf(section));
    for (const { app, credential } of section.targets.values()) {
      const { origin, aud } = credential?.application ?? { origin: app.origin, aud: "" };
      if (credential === undefined || asked.has(`${origin} ${aud}`)) continue;
      asked.add(`${origin} ${aud}`);
      // It loads Node's networking, which a person's stored token does without.
      const { acceptedFields } = await import("../../sign-in/machine-access.ts");
      fields = await acceptedFields(sectionContext, app, credential.application, machine);
    }
  }
  return fields;
}

/** A machine belongs to one team domain; what is behind another one is somebody else's. */
function refuseSeveralTeams(targets: CurlTarget[], { name }: MachineCredential): void {
  const teams = new Set(targets.map(({ credential }) => credential?.application.auth_domain));
  if (teams.size > 1)
    throw new CliError(
      "usage",
      `the URLs belong to several team domains (${[...teams].join(", ")}), but ${name} belongs to one; run curl once for each`,
    );
}

function warnAboutUnreadUrls(context: Context, sections: CurlSection[]): void {
  if (sections.some(({ hasUnreadUrls, targets }) => hasUnreadUrls && targets.size === 0))
    context.tell("Warning: URLs from standard input, variables or unreadable files get no token.");
}

/** curl's arguments, with a credential in each section. */
function argumentsWith(
  context: Context,
  sections: CurlSection[],
  { carrier, fields }: { carrier: Carrier; fields: HeaderFields | undefined },
  secrets: SecretDescriptors,
): string[] {
  const targets = allTargets(sections);
  const sendsCookies = carrier === "cookie" && fields === undefined;
  return sections.flatMap((section, index) => {
    const separator = index === 0 ? [] : ["--next"];
    const ownArguments =
      fields === undefined
        ? addCredentials(section, carrier, secrets, context.tell)
        : addMachineFields(section, fields, secrets);
    const ports = sendsCookies ? portArguments(section, targets) : [];
    const network = [...networkArguments(context, section, secrets), ...ports];
    return [...separator, ...ownArguments, ...network];
  });
}
