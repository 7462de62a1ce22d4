// What opens one application to a command that runs for long: header fields for each request, and
// others in their place once the gateway does not take them any more. Many callers may ask at once;
// one of them signs in, and the others get what it got. The fields go to the application's own
// scheme, host and port, and a request for any other place is refused here (wire-protocol 6.1).
import { headers } from "@postern/protocol/endpoints";
import { type AppUrl, readAppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { type Application, appliesTo } from "../store/known-hosts.ts";
import type { Credential, SignInOptions } from "./attempt.ts";
import { applicationFor, credentialFor } from "./credential.ts";
import type { MachineCredential } from "./machine-credential.ts";

/** A request that needs a credential; `url` is http or https, for a WebSocket as well. */
export interface CredentialRequest {
  method: string;
  url: URL;
}

/** Header fields, names in lower case; none where policy lets everybody through. */
export type CredentialFields = Readonly<Record<string, string>>;

/** What opens one application, for as long as the command runs. */
export interface CredentialSource {
  /**
   * The fields that open this request. May ask the gateway, and a person where that is allowed.
   * @throws {CliError} with any code but usage
   */
  fieldsFor(request: CredentialRequest): Promise<CredentialFields>;
  /**
   * Told that the gateway did not take these fields (wire-protocol 3): gets others where it can.
   * @returns whether `fieldsFor` now gives others, so that the request is worth another try
   * @throws {CliError} with any code but usage: there are no others, and why
   */
  refused(fields: CredentialFields, request: CredentialRequest): Promise<boolean>;
}

/** How a person's source may sign in: the flags are read when it comes to that. */
export type ReadSignInOptions = () => SignInOptions;

/** The source for a person: the stored token, an exchange, a sign-in where it may ask for one. */
export function personSource(
  context: Context,
  app: AppUrl,
  readOptions: ReadSignInOptions,
): CredentialSource {
  return new PersonSource(context, app, readOptions);
}

/** The source for a program. The gateway is asked first, and a browser is never opened instead. */
export function machineSource(
  context: Context,
  app: AppUrl,
  machine: MachineCredential,
): CredentialSource {
  let application: Application | undefined;
  return {
    async fieldsFor({ url }) {
      refuseOtherOrigin(app, url);
      if (application !== undefined && application.fresh_until > context.now())
        return machine.fieldsFor(application);
      // It goes only to what proved to be behind Access (case C1).
      const here = readAppUrl(url.href);
      const covering = await applicationFor(context, here);
      const { acceptedFields } = await import("./machine-access.ts");
      const fields = await acceptedFields(context, here, covering, machine);
      application = covering;
      return fields;
    },
    async refused(fields) {
      if (application === undefined) return true;
      machine.forget();
      const next = await machine.fieldsFor(application);
      return Object.entries(next).some(([name, value]) => fields[name] !== value);
    },
  };
}

function refuseOtherOrigin(app: AppUrl, url: URL): void {
  if (url.origin === app.origin) return;
  throw new CliError("failure", `${url.origin} is not ${app.origin}; nothing was sent there`);
}

/** A failure is everybody's for this time (milliseconds): a tool that tries again asks nobody. */
const failureLasts = 1_000;

/** For how long policy is believed to let everybody through (milliseconds). */
const openLasts = 15_000;

/** Applications of one host whose credential is kept; the oldest is asked for again. */
const mostCredentials = 20;

interface KeptCredential extends Credential {
  since: number;
}

class PersonSource implements CredentialSource {
  readonly #context: Context;
  readonly #app: AppUrl;
  readonly #readOptions: ReadSignInOptions;
  #kept: KeptCredential[] = [];
  /** the last of those that wait for a credential: each waits for the one before */
  #line: Promise<unknown> = Promise.resolve();
  #failure: { error: CliError; until: number } | undefined;
  #mayPrompt = true;

  constructor(context: Context, app: AppUrl, readOptions: ReadSignInOptions) {
    this.#context = context;
    this.#app = app;
    this.#readOptions = readOptions;
  }

  async fieldsFor({ method, url }: CredentialRequest): Promise<CredentialFields> {
    refuseOtherOrigin(this.#app, url);
    const credential = this.#keptFor(url) ?? (await this.#nextFor(url, false));
    return fieldsOf(this.#context, credential, { method, url });
  }

  async refused(fields: CredentialFields, { url }: CredentialRequest): Promise<boolean> {
    refuseOtherOrigin(this.#app, url);
    const token = fields[headers.accessToken];
    // Somebody else was told the same, and has others by now.
    if (this.#keptFor(url)?.stored?.token !== token) return true;
    // What the gateway said of the host may have changed with it (wire-protocol 6.1).
    this.#kept = [];
    const { stored } = await this.#nextFor(url, true);
    return stored?.token !== token;
  }

  #keptFor({ pathname }: URL): KeptCredential | undefined {
    const now = this.#context.now();
    return this.#kept.find(
      (each) => appliesTo(each.application, pathname, now) && isUsable(each, now),
    );
  }

  /** @param check the gateway refused what is stored, and is asked about it */
  #nextFor(url: URL, check: boolean): Promise<Credential> {
    const next = this.#line.then(() => this.#keptFor(url) ?? this.#find(url, check));
    this.#line = next.catch(() => {});
    return next;
  }

  async #find(url: URL, check: boolean): Promise<Credential> {
    const { error, until = 0 } = this.#failure ?? {};
    if (error !== undefined && this.#context.now() < until) throw error;
    try {
      return this.#keep(await this.#ask(readAppUrl(url.href), check));
    } catch (failure) {
      if (failure instanceof CliError) this.#remember(failure);
      throw failure;
    }
  }

  async #ask(app: AppUrl, check: boolean): Promise<Credential> {
    const readOptions = () => {
      const options = this.#readOptions();
      return { ...options, check, mayPrompt: options.mayPrompt && this.#mayPrompt };
    };
    if (!check) return credentialFor(this.#context, app, readOptions);
    const { findCredential } = await import("./login-flow.ts");
    return findCredential(this.#context, app, readOptions());
  }

  #keep(credential: Credential): Credential {
    const entry = { ...credential, since: this.#context.now() };
    const { aud, scope } = credential.application;
    const others = this.#kept.filter(
      ({ application }) => application.aud !== aud || application.scope !== scope,
    );
    this.#kept = [entry, ...others].slice(0, mostCredentials);
    return credential;
  }

  #remember(error: CliError): void {
    // Nobody is asked twice: an unattended tool that tries again would open windows all night.
    if (error.code === "login_refused" || error.code === "login_timeout") this.#mayPrompt = false;
    // Policy may refuse one path of the host and not another.
    if (error.code === "refused_by_policy") return;
    this.#failure = { error, until: this.#context.now() + failureLasts };
  }
}

function isUsable({ stored, since }: KeptCredential, now: number): boolean {
  if (stored !== undefined) return stored.expires_at * 1000 > now;
  return now >= since && now < since + openLasts;
}

async function fieldsOf(
  context: Context,
  { application, stored }: Credential,
  request: CredentialRequest,
): Promise<CredentialFields> {
  if (stored === undefined) return {};
  const { team, token } = stored;
  const fields = { [headers.accessToken]: token };
  if (application.proof_of_possession !== true) return fields;
  const { proofFields } = await import("../gateway-client/proof-of-possession.ts");
  return { ...fields, ...proofFields(context, team, { ...request, token }) };
}
