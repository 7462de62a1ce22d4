// The ways to sign in that an application offers, and the page on which a person chooses one.
import { endpoints } from "@postern/protocol";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Application, IdentityProvider } from "../../model/model.ts";
import { hostOf } from "../application-host.ts";
import { lastProvider } from "../last-provider.ts";
import type { LoginContext } from "../login-context.ts";
import { mayBeFramed } from "../may-be-framed.ts";
import { sendPage } from "../pages/layout.ts";
import { type EmailField, signInPage } from "../pages/sign-in.ts";
import type { Provider } from "../providers/provider.ts";
import { applicationOf, nameOf, type SignInTarget, sealTarget } from "../sign-in-target.ts";
import { isForTerminal } from "./login-request.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/** One way to sign in. */
export interface Offer {
  settings: IdentityProvider;
  provider: Provider;
}

/** `allowed_idps` in the order of the configuration; empty means all (access-features 6). */
export function offersFor(
  { providers }: Pick<SignInParts, "providers">,
  { catalog }: RequestFacts,
  application: Application | undefined,
): Offer[] {
  const allowed = application?.allowed_idps ?? [];
  return [...catalog.identityProviders.values()]
    .filter(({ id }) => allowed.length === 0 || allowed.includes(id))
    .map((settings) => ({ settings, provider: providers.of(catalog, settings) }));
}

/** The way to sign in to a target by its provider's id; undefined when it is not offered. */
export function findOffer(
  parts: Pick<SignInParts, "providers">,
  facts: RequestFacts,
  target: SignInTarget,
  id: string | undefined,
): Offer | undefined {
  const offers = offersFor(parts, facts, applicationOf(facts, target));
  return offers.find(({ settings }) => settings.id === id);
}

/**
 * Shows the ways to sign in.
 * @param email what the person typed, and what is wrong with it
 */
export function showOffers(
  c: LoginContext,
  parts: SignInParts,
  target: SignInTarget,
  email?: EmailField,
): Promise<Response> {
  const { facts } = c.var;
  const offers = offersFor(parts, facts, applicationOf(facts, target));
  const page = signInPage({
    name: nameOf(facts, target),
    host: hostOf(target.application?.authority ?? ""),
    isForTerminal: isForTerminal(target.application?.redirect_url ?? ""),
    action: endpoints.login,
    target: sealTarget(parts, target),
    ways: offers.map(({ settings, provider }) => ({
      id: settings.id,
      name: settings.name,
      offer: provider.offer,
    })),
    lastUsed: lastProvider(c),
    email,
    emailHint: target.login_hint,
  });
  return sendPage(c, { ...page, mayBeFramed: mayBeFramed(facts, target) });
}
