// `access logout --grant ID`: ends one grant at its gateway, and no session.
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { endGrant } from "../../gateway-client/grants.ts";
import { usableTokens } from "../../sign-in/usable-tokens.ts";

/**
 * Ends a grant with whatever stored token is for its application's host.
 * @param url of its application; undefined: every host is asked that a token is stored for
 * @throws {CliError} usage | not_signed_in | unreachable | failure
 */
export async function endGrantById(
  context: Context,
  id: string,
  url: string | undefined,
): Promise<void> {
  if (!/^[0-9a-f]{16}$/.test(id))
    throw new CliError(
      "usage",
      `--grant ${id.slice(0, 40)} is not the ID of a grant; see: postern access list --grants`,
    );
  const origin = url === undefined ? undefined : readAppUrl(url).origin;
  const tokens = usableTokens(context, origin);
  if (tokens.length === 0) {
    const where = origin === undefined ? "anywhere" : `to ${origin}`;
    const page = "/cdn-cgi/access/grants";
    throw new CliError(
      "not_signed_in",
      `not signed in ${where}; end the grant in a browser, at ${page} of the application`,
    );
  }
  for (const token of tokens) {
    if (!(await endGrant(context, token, id))) continue;
    context.tell(`The grant ${id} has ended.`);
    return;
  }
  throw new CliError("failure", `no grant ${id} is there to end; it may have ended already`);
}
