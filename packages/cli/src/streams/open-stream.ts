// Opens a stream to a service behind the gateway: the dial, one more with another credential where
// the first is not taken, and in words what else may be answered (wire-protocol 10).
import { endpoints, halfCloseProtocol } from "@postern/protocol/endpoints";
import { printable } from "@postern/protocol/printable";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { proofRefusal } from "../gateway-client/proof-of-possession.ts";
import { parseJsonObject } from "../json-object.ts";
import type { HttpResponse } from "../net/http-message.ts";
import { dialWebSocket, type OpenWebSocket } from "../net/websocket-dial.ts";
import { refusedByPolicy } from "../sign-in/attempt.ts";
import type { CredentialSource } from "../sign-in/credential-source.ts";
import { notSignedIn } from "../sign-in/login-flow.ts";
import { deniedMachine, refusedMachine } from "../sign-in/machine-access.ts";
import type { MachineCredential } from "../sign-in/machine-credential.ts";

/** What streams are opened to, and with what. */
export interface StreamTarget {
  app: AppUrl;
  source: CredentialSource;
  /** whose credential the source gives; undefined for a person's */
  machine: MachineCredential | undefined;
  /** for the dial, beside the credential's; names in lower case */
  headers: Readonly<Record<string, string>>;
}

/** The server answered, but not with a stream: to dial again at once would change nothing. */
export class RefusedStream extends CliError {}

/**
 * Opens one. A person may be asked to sign in, where the source may do so.
 * @param signal ends the attempt
 * @throws {CliError} with any code but usage
 */
export async function openStream(
  context: Context,
  target: StreamTarget,
  signal: AbortSignal,
): Promise<OpenWebSocket> {
  const { app, source, headers } = target;
  const url = new URL(app.href);
  const request = { method: "GET", url };
  const dial = (fields: Readonly<Record<string, string>>) =>
    dialWebSocket(context, {
      url,
      headers: { ...headers, ...fields },
      protocols: [halfCloseProtocol],
      signal,
    });

  // 1. With what is there: a token, or nothing where policy lets everybody through.
  const fields = await source.fieldsFor(request);
  const answer = await dial(fields);
  if (answer.ok) return answer;

  // 2. With another one, where the first is not taken and there is another.
  const isRefused = asksForSignIn(answer.response);
  if (!isRefused || !(await source.refused(fields, request)))
    throw refusalOf(target, answer.response);
  const secondAnswer = await dial(await source.fieldsFor(request));
  if (secondAnswer.ok) return secondAnswer;
  throw refusalOf(target, secondAnswer.response);
}

/** A redirect to the login, or 401: the credential is none, or dead, and not just unproven. */
function asksForSignIn(response: HttpResponse): boolean {
  const { status, headers } = response;
  if (proofRefusal(response, "") !== undefined) return false;
  if (status === 401) return true;
  const isRedirect = status >= 300 && status < 400;
  return isRedirect && (headers.location ?? "").includes(endpoints.login);
}

/** What an answer says that is no stream. */
function refusalOf({ app, machine }: StreamTarget, response: HttpResponse): CliError {
  const { status } = response;
  const unproven = proofRefusal(response, app.bare);
  if (unproven !== undefined) return unproven;
  if (asksForSignIn(response))
    return machine === undefined ? notSignedIn(app) : refusedMachine(app, machine, response);

  const { code, reason } = readRefusal(response);
  const why = reason === undefined ? `status ${status}` : `status ${status}: ${reason}`;
  switch (status) {
    case 200:
      return new RefusedStream(
        "failure",
        `${app.bare} is a web application, and no service to connect to; check the host`,
      );
    case 403:
      return deniedStream(app, machine, code === "denied" ? undefined : reason);
    case 502:
    case 504:
      return new RefusedStream(
        "unreachable",
        `the service behind ${app.origin} is down, for the gateway cannot reach it (status ${status}); ask whoever runs it`,
      );
    case 503:
      return new RefusedStream("unreachable", `${app.origin} is busy (${why}); try again later`);
    default:
      return new RefusedStream("failure", `${app.bare} opens no stream (${why})`);
  }
}

/** @param reason where it is another one than policy */
function deniedStream(
  app: AppUrl,
  machine: MachineCredential | undefined,
  reason: string | undefined,
): CliError {
  if (reason !== undefined)
    return new RefusedStream("refused_by_policy", `${app.bare} opens no stream: ${reason}`);
  if (machine !== undefined) return deniedMachine(app, machine);
  return refusedByPolicy(app, "you");
}

const longestReason = 300;

/** The gateway's word and sentence, where the answer is its JSON. */
function readRefusal({ body }: HttpResponse): { code: unknown; reason: string | undefined } {
  const { error: code, message } = parseJsonObject(body) ?? {};
  if (typeof message !== "string" || message === "") return { code, reason: undefined };
  return { code, reason: printable(message.slice(0, longestReason)).replace(/\.$/, "") };
}
