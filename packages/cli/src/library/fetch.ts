// `fetch` with the credential of the URL's own application. It goes to the origin that it is for
// and nowhere else: redirects are followed here, and one that leads elsewhere takes nothing along
// (case C11).
import { endpoints, headers } from "@postern/protocol/endpoints";
import { readAppUrl } from "../app-url.ts";
import { defined } from "../defined.ts";
import type { FlagValues } from "../flag.ts";
import {
  type CredentialFields,
  type CredentialSource,
  machineSource,
  personSource,
} from "../sign-in/credential-source.ts";
import { readMachineCredential } from "../sign-in/machine-credential.ts";
import { rememberedTeam } from "../store/known-hosts.ts";
import { contextFor, withoutPerson } from "./library-context.ts";
import type { LibraryOptions } from "./library-types.d.ts";

/** As the fetch standard has it. */
const mostRedirects = 20;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/** The options of `fetch`, and those of this library. */
export interface AccessRequestInit extends RequestInit {
  access?: LibraryOptions;
}

const noFlags: FlagValues = { value: () => undefined };

/**
 * Fetches a URL behind Access. A session that has ended is renewed once, if that asks nobody and
 * the body can be sent once more.
 * @throws {Error} with a `code` of docs/library.md, where there is no credential
 * @throws {TypeError} as `fetch` does
 */
export async function fetch(
  input: string | URL | Request,
  { access = {}, ...init }: AccessRequestInit = {},
): Promise<Response> {
  const first = new Request(input, init);
  const { origin } = new URL(first.url);
  const mode = first.redirect;
  // What carries requests is no part of a request, and would be lost with the first redirect.
  const carrier = defined({ dispatcher: init.dispatcher });
  const opener = openerOf(origin, access);
  let request = first;
  // A body that is a stream can be sent once: nothing is sent again then.
  const again = isRepeatable(input, init) ? () => new Request(input, init) : undefined;
  for (let redirects = 0; ; redirects++) {
    const repeat = redirects === 0 ? again : undefined;
    const response = await askWithCredential(opener, request, { repeat, carrier });
    if (redirects > 0) Object.defineProperty(response, "redirected", { value: true });
    const next = mode === "manual" ? undefined : redirectOf(response, request);
    if (next === undefined) return response;
    if (mode === "error" || redirects === mostRedirects)
      throw new TypeError(`${request.url} redirects, and that is not followed`);
    await response.body?.cancel();
    if (new URL(next.url).origin !== origin)
      return globalThis.fetch(withoutCredentials(next), carrier);
    request = next;
  }
}

/** What opens one origin. */
interface Opener {
  source: CredentialSource;
  /** origin of the team domain, once it is known */
  team(): string | undefined;
}

function openerOf(origin: string, options: LibraryOptions): Opener {
  const context = contextFor(options);
  const app = readAppUrl(origin);
  const machine = readMachineCredential(context, noFlags);
  const source =
    machine === undefined
      ? personSource(context, app, () => withoutPerson)
      : machineSource(context, app, machine);
  return { source, team: () => rememberedTeam(context, app) };
}

interface Sending {
  /** the request once more; undefined where that cannot be */
  repeat: (() => Request) | undefined;
  carrier: Pick<RequestInit, "dispatcher">;
}

async function askWithCredential(
  { source, team }: Opener,
  request: Request,
  { repeat, carrier }: Sending,
): Promise<Response> {
  const asked = { method: request.method, url: new URL(request.url) };
  const fields = await source.fieldsFor(asked);
  const response = await globalThis.fetch(withFields(request, fields), carrier);
  if (!wantsCredential(response, team()) || repeat === undefined) return response;
  if (!(await source.refused(fields, asked))) return response;
  await response.body?.cancel();
  return globalThis.fetch(withFields(repeat(), await source.fieldsFor(asked)), carrier);
}

function withFields(request: Request, fields: CredentialFields): Request {
  const copy = new Request(request, { redirect: "manual" });
  for (const [name, value] of Object.entries(fields)) copy.headers.set(name, value);
  return copy;
}

/** Whether the gateway, and not the application, wants another credential (wire-protocol 3, 4). */
function wantsCredential(response: Response, team: string | undefined): boolean {
  const { status, headers: answer } = response;
  if (status === 401) return answer.has(headers.error) || answer.has(headers.aud);
  const location = answer.get("location") ?? "";
  if (!redirectStatuses.has(status) || !URL.canParse(location)) return false;
  const { origin, pathname } = new URL(location);
  return origin === team && pathname.startsWith(endpoints.login);
}

/** The request that a redirect asks for (Fetch standard, HTTP-redirect fetch). */
function redirectOf(response: Response, request: Request): Request | undefined {
  const location = response.headers.get("location");
  if (!redirectStatuses.has(response.status) || location === null) return undefined;
  const url = new URL(location, request.url);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new TypeError(`${request.url} redirects to what is no web address`);
  const { method, signal } = request;
  const becomesGet =
    response.status === 303 ? method !== "HEAD" : method === "POST" && response.status < 303;
  if (!becomesGet && request.body !== null)
    throw new TypeError(`${request.url} redirects a request with a body, which is sent only once`);
  const kept = new Headers(request.headers);
  if (becomesGet) for (const name of bodyFields) kept.delete(name);
  return new Request(url, { method: becomesGet ? "GET" : method, headers: kept, signal });
}

const bodyFields = ["content-encoding", "content-language", "content-location", "content-type"];

/** What must not go to another origin, whoever set it. */
function withoutCredentials(request: Request): Request {
  const kept = new Headers(request.headers);
  for (const name of [...kept.keys()]) {
    if (/^(?:authorization|cookie|proxy-authorization|cf-access-.*)$/.test(name)) kept.delete(name);
  }
  return new Request(request, { headers: kept });
}

function isRepeatable(input: string | URL | Request, { body }: RequestInit): boolean {
  const isStream = typeof body === "object" && body !== null && Symbol.asyncIterator in body;
  if (isStream) return false;
  return !(input instanceof Request) || input.body === null;
}
