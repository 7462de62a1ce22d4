// `access grant`: a part of somebody's access, lent with a click and served on a socket, or printed
// as a pass. Everything is read before anybody is asked.
import { scopeLimits } from "@postern/protocol";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { endGrant } from "../../gateway-client/grants.ts";
import { longestPass, requestPass } from "../../gateway-client/pass.ts";
import { type ListenPlace, readListenPlace } from "../../local-proxy/listen-place.ts";
import type { GrantWish } from "../../sign-in/approval-address.ts";
import { type ApprovedGrant, askForGrant } from "../../sign-in/ask-for-grant.ts";
import { applicationFor, credentialFor } from "../../sign-in/credential.ts";
import { grantSource } from "../../sign-in/grant-source.ts";
import { notSignedIn } from "../../sign-in/login-flow.ts";
import { onlyForPeople, readMachineCredential } from "../../sign-in/machine-credential.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Application } from "../../store/known-hosts.ts";
import type { Invocation } from "../command.ts";
import { type CommandLine, onlyUrl } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { readGrantWish } from "./grant-wish.ts";
import { emit, serve } from "./run-http.ts";
import { signInOptions } from "./sign-in-options.ts";

/** @returns the exit status */
export async function runGrant(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const app = readAppUrl(onlyUrl(line, "grant"));
  refuseMachines(context, line);
  const place = readPlace(line);
  if (place === undefined) return printPass(context, line, app);
  const wish = readGrantWish(line, scopeLimits.grantSeconds);
  return serveGrant(context, line, { app, place, wish });
}

function refuseMachines(context: Context, line: CommandLine): void {
  const machine = readMachineCredential(context, line);
  if (machine === undefined) return;
  throw onlyForPeople(
    machine,
    "a grant is a part of a person's access; unset it, or serve it with: postern access http",
  );
}

/** @returns undefined where a pass is to be printed */
function readPlace(line: CommandLine): ListenPlace | undefined {
  const text = line.value("url");
  const isPrinted = line.has("print");
  if (text !== undefined && !isPrinted) return readListenPlace(text);
  if (text === undefined && isPrinted && line.value("for") === undefined) return undefined;
  if (isPrinted && text === undefined)
    throw new CliError("usage", "--for names a grant, and --print makes a pass; leave out one");
  throw new CliError(
    "usage",
    "access grant needs one of --url, where to serve the grant (unix:/PATH), and --print",
  );
}

interface GrantToServe {
  app: AppUrl;
  place: ListenPlace;
  wish: GrantWish;
}

async function serveGrant(
  context: Context,
  line: CommandLine,
  { app, place, wish }: GrantToServe,
): Promise<number> {
  const options = signInOptions(context, line, { mayPrompt: true, check: false });
  if (!options.mayPrompt) throw nobodyToAsk(app);
  const application = await applicationFor(context, app);
  if (!application.login) throw openToAll(app);
  const grant = await askForGrant(context, app, application, { ...options, grant: wish });
  const { team } = application;
  const source = grantSource(context, app, { team, token: grant.token });
  await serve(context, line, { app, team, source, place }, () =>
    tellOfGrant(context, line, { app, application, grant }),
  );
  await endAtGateway(context, app, team, grant);
  return 0;
}

/** Nobody uses it any more. Where the gateway cannot be told, the grant ends with its time. */
async function endAtGateway(
  context: Context,
  { origin }: AppUrl,
  team: string,
  { token, claims: { jti: id } }: ApprovedGrant,
): Promise<void> {
  try {
    await endGrant(context, { origin, team, token }, id);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    context.tell(`The grant ${id} is still there until its time is over: ${error.message}`);
  }
}

function nobodyToAsk(app: AppUrl): CliError {
  return new CliError(
    "not_signed_in",
    `a grant for ${app.origin} needs somebody's click; leave out --no-login`,
  );
}

function openToAll(app: AppUrl): CliError {
  return new CliError(
    "not_behind_access",
    `policy lets everybody reach ${app.bare}; no grant is needed`,
  );
}

function tellOfGrant(
  context: Context,
  line: CommandLine,
  { app, application, grant }: { app: AppUrl; application: Application; grant: ApprovedGrant },
): void {
  const { jti: id, email, exp } = grant.claims;
  const until = new Date(exp * 1000).toISOString();
  if (line.has("json")) {
    emit({ event: "granted", grant: id, application: app.origin, expires_at: until });
    return;
  }
  context.tell(`✓ ${email} lent access to ${application.app_hostname} until ${until}.`);
  context.tell(`End it sooner with: postern access logout --grant ${id}`);
}

/** A pass opens with a stored session, and with a sign-in where there is none. */
async function printPass(context: Context, line: CommandLine, app: AppUrl): Promise<number> {
  const wish = readGrantWish(line, longestPass);
  const readOptions = () =>
    signInOptions(context, line, { mayPrompt: context.onTerminal, check: false });
  for (let attempt = 1; attempt <= 2; attempt++) {
    const { stored } = await credentialFor(context, app, readOptions);
    if (stored === undefined) throw openToAll(app);
    const pass = await requestPass(context, app, stored, wish);
    if (pass.kind === "none")
      throw new CliError("failure", `${app.origin} does not issue passes; use --url unix:/PATH`);
    // The gateway ended the session that was stored here: once more from the start.
    if (pass.kind === "dead") continue;
    writeOutput(pass.token);
    return 0;
  }
  throw notSignedIn(app);
}
