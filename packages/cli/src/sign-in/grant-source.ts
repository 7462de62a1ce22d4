// The source of a process that holds a grant (wire-protocol 8): its token goes with every request
// to the one application, and there is never another.
import { headers } from "@postern/protocol/endpoints";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { proofFields } from "../gateway-client/proof-of-possession.ts";
import type { CredentialSource } from "./credential-source.ts";

/**
 * The source for a grant. Nobody is asked for another one: who lent it makes it anew.
 * @param team origin of the team domain
 */
export function grantSource(
  context: Context,
  app: AppUrl,
  { team, token }: { team: string; token: string },
): CredentialSource {
  return {
    async fieldsFor({ method, url }) {
      if (url.origin !== app.origin)
        throw new CliError("failure", `${url.origin} is not ${app.origin}; nothing was sent there`);
      const proof = proofFields(context, team, { method, url, token });
      return { [headers.accessToken]: token, ...proof };
    },
    async refused() {
      throw new CliError(
        "not_signed_in",
        `the grant for ${app.origin} has ended; make another with: postern access grant ${app.origin}`,
      );
    },
  };
}
