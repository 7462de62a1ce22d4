// What the person is told once they are signed in: as whom, to what, until when, and where.

import { untilText } from "@postern/protocol/time-text";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import type { Line, Span } from "../styled-line.ts";
import type { SignedIn } from "./attempt.ts";

/** The lines for a sign-in, or for the discovery that none was needed. */
export function signedInLines(
  { now }: Pick<Context, "now">,
  app: AppUrl,
  { application, stored, how }: SignedIn,
): Line[] {
  const until = untilText(stored.expires_at * 1000, now());
  const beginning: Span[] =
    how === "stored"
      ? [{ text: "Already signed in as " }]
      : [{ text: "✓", style: "good" }, { text: " Signed in as " }];
  return [
    [...beginning, { text: stored.email, style: "bold" }, { text: ` to ${app.host} ${until}` }],
    [{ text: `  team domain  ${application.auth_domain}`, style: "faint" }],
  ];
}
