// The package `postern` for programs: the tokens of the command line, and requests that bear them
// (docs/library.md). Nobody is asked: a person signs in by the command line, a program has a
// credential in its environment. The types for whoever imports it are in library-types.d.ts.

import { readAppUrl } from "../app-url.ts";
import type { FlagValues } from "../flag.ts";
import { refuseBareToken, storedCredential } from "../sign-in/credential.ts";
import { notSignedIn, signIn } from "../sign-in/login-flow.ts";
import { onlyForPeople, readMachineCredential } from "../sign-in/machine-credential.ts";
import { workloadAppToken } from "../sign-in/workload-app-token.ts";
import { contextFor, withoutPerson } from "./library-context.ts";
import type { AccessToken, LibraryOptions } from "./library-types.d.ts";

export { fetch } from "./fetch.ts";

const noFlags: FlagValues = { value: () => undefined };

/**
 * The token for the application behind the URL: what `postern access token` prints.
 * @throws {Error} with a `code` of docs/library.md
 */
export async function getAccessToken(
  url: string | URL,
  options: LibraryOptions = {},
): Promise<AccessToken> {
  const context = contextFor(options);
  const app = readAppUrl(String(url));
  const machine = readMachineCredential(context, noFlags);
  if (machine?.kind === "service_token")
    throw onlyForPeople(machine, "it is sent as it is, so there is no token; use fetch");
  if (machine !== undefined) return describe(await workloadAppToken(context, app, machine));
  const credential = storedCredential(context, app) ?? (await signIn(context, app, withoutPerson));
  const { application, stored } = credential;
  if (stored === undefined) throw notSignedIn(app);
  refuseBareToken(app, application);
  return describe({ stored });
}

type Described = Pick<Awaited<ReturnType<typeof workloadAppToken>>, "stored">;

function describe({ stored }: Described): AccessToken {
  const { token, email, expires_at, app_hostname, aud, team } = stored;
  return {
    token,
    expiresAt: new Date(expires_at * 1000),
    email: email || undefined,
    application: app_hostname,
    aud,
    issuer: team,
  };
}
