// The way to a provider (step 3 of a browser's login, wire-protocol 5), and the form that some
// providers go on with. Nothing is kept here for people who have proven nothing: an attempt lives
// sealed in their own browser.
import { endpoints } from "@postern/protocol";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { LoginContext } from "../login-context.ts";
import { formPath } from "../providers/provider.ts";
import { goTo } from "../responses.ts";
import { type SignInTarget, startOf } from "../sign-in-target.ts";
import { addressesBefore } from "../signed-in-before.ts";
import { keepAttempt, newAttempt } from "./attempt.ts";
import { sendFault } from "./fault-page.ts";
import { type Offer, showOffers } from "./offers.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/** Begins an attempt and leads the browser on. */
export async function startAttempt(
  c: LoginContext,
  parts: SignInParts,
  choice: { target: SignInTarget; offer: Offer; fields: ReadonlyMap<string, string> },
): Promise<Response> {
  const { facts } = c.var;
  const { target, offer, fields } = choice;
  const { settings, provider } = offer;
  const attempt = newAttempt(parts, target, settings.id);
  const { state } = attempt;
  const redirectUri = callbackUrl(facts);
  const before = addressesBefore(c, parts);
  const request = { facts, target, state, redirectUri, addressesBefore: before, fields };
  const start = await provider.start(request);
  if (!start.ok && start.fault === "form_refused") {
    const email = { value: fields.get("email") ?? "", error: start.message };
    return showOffers(c, parts, target, email);
  }
  if (!start.ok) {
    const fresh = startOf(facts, target);
    return sendFault(c, parts, { provider: settings.id, failure: start, target, start: fresh });
  }

  keepAttempt(c, parts, { ...attempt, secrets: start.secrets });
  switch (start.next) {
    case "redirect":
      return goTo(c, start.url);
    case "form":
      return goTo(c, `${formPath}?attempt=${attempt.id}`);
  }
}

/** Where a provider sends the browser back to. */
export function callbackUrl(facts: RequestFacts): string {
  return `${facts.catalog.issuer}${endpoints.callback}`;
}
