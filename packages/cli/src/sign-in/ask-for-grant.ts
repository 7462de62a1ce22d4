// Asks a person for a grant (wire-protocol 8). What it brings stays in the memory of this process:
// it is stored nowhere, and no session with it.
import type { GrantClaims } from "@postern/protocol";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { verifyToken } from "../gateway-client/token-check.ts";
import type { Application } from "../store/known-hosts.ts";
import type { GrantWish } from "./approval-address.ts";
import { type BrowserLoginOptions, loginWithBrowser } from "./browser-login.ts";
import { tellInterruption } from "./interruption.ts";

/** A grant, as the person approved it. */
export interface ApprovedGrant {
  token: string;
  claims: GrantClaims;
}

/**
 * Asks, and waits for the click.
 * @throws {CliError} login_refused | login_timeout | refused_by_policy | unreachable | unverified
 */
export async function askForGrant(
  context: Context,
  app: AppUrl,
  application: Application,
  options: BrowserLoginOptions & { grant: GrantWish },
): Promise<ApprovedGrant> {
  const stopTelling = tellInterruption(context);
  try {
    const delivery = await loginWithBrowser(context, app, application, options, () => {});
    const { app_token: token } = delivery.tokens;
    const claims = await verifyToken(context, application, token, "grant");
    await delivery.confirm();
    return { token, claims };
  } finally {
    stopTelling();
  }
}
