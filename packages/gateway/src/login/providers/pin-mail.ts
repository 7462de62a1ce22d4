// The mail with the one-time PIN: who gets one, and what it says.
import { endpoints } from "@postern/protocol";
import { circumstancesWithout } from "../../catalog/circumstances.ts";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { IdentityProvider } from "../../model/model.ts";
import { evaluate } from "../../policy/evaluate.ts";
import { requestFields } from "../login-context.ts";
import { nameOf, type SignInTarget } from "../sign-in-target.ts";
import type { ProvidedIdentity, ProviderParts } from "./provider.ts";

/** A code that somebody requested. */
export interface RequestedPin {
  facts: RequestFacts;
  target: SignInTarget;
  settings: IdentityProvider;
  /** canonical address */
  email: string;
  code: string;
  /** how long the code lives */
  minutes: number;
  /** when the code ends, milliseconds since the epoch */
  expiresAt: number;
}

/** Who a right code proves somebody to be: an address and nothing else. */
export function pinIdentity(email: string): ProvidedIdentity {
  return { email, name: "", groups: [], oidc_fields: {}, amr: ["otp"] };
}

/**
 * Mails a code, if policy could admit the address. Does not wait for the mail server: the time that
 * it takes would tell who may have a code.
 */
export function mailPin(parts: ProviderParts, pin: RequestedPin): void {
  const { mail, announcePin, record } = parts;
  const { rayId: ray, catalog } = pin.facts;
  if (!couldEnter(pin)) {
    const application = catalog.applicationByAud.get(pin.target.application?.aud ?? "")?.name;
    const fields = requestFields(pin.facts);
    record({ event: "pin_not_sent", ...fields, email: pin.email, application });
    return;
  }
  announcePin?.(pin.email, pin.code);
  if (announcePin !== undefined) record({ event: "pin_sent" });
  if (mail === undefined) {
    if (announcePin === undefined) record({ event: "mail_missing", ray });
    return;
  }
  const subject = `Your code for ${catalog.organization.name}`;
  const message = { to: pin.email, subject, text: textOf(pin) };
  mail.send({ message, ray, expiresAt: pin.expiresAt });
}

/**
 * Whether policy would let the address in, at the application or, on the team domain, at any
 * (access-features 6.1): the gateway is nobody's way to send mail.
 */
function couldEnter({ facts, target, settings, email }: RequestedPin): boolean {
  const { catalog, clientIp } = facts;
  const identity = {
    ...pinIdentity(email),
    idp: { id: settings.id, type: settings.type },
    ip: clientIp,
    country: catalog.countries.of(clientIp) ?? "",
    iat: 0,
  };
  const applications = catalog.applications.filter(
    ({ aud }) => target.application === undefined || target.application.aud === aud,
  );
  // Every application is judged, whatever another has said: the time would tell who may enter one.
  const decisions = applications.map((application) => {
    const principal = { kind: "person" as const, identity };
    const circumstances = circumstancesWithout(facts, application, "awaited");
    return evaluate({ application, principal, ...circumstances });
  });
  return decisions.some(({ outcome }) => outcome === "allow");
}

function textOf({ facts, target, code, minutes }: RequestedPin): string {
  return `${code} is your code to sign in to ${nameOf(facts, target)}.

It is valid for ${minutes} minutes, works once, and only in the browser where you asked for it.
Type it only on a page of
${facts.catalog.issuer}${endpoints.login}

If you did not ask for a code, somebody else typed your address. You need not do anything.
`;
}
