// The page with the form that a provider goes on with, such as the one-time PIN's, and what the
// browser sends with it.
import { singleArgument } from "../../single-argument.ts";
import { readForm } from "../forms.ts";
import type { LoginContext } from "../login-context.ts";
import { mayBeFramed } from "../may-be-framed.ts";
import { startAgainPage } from "../pages/error.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import type { FormRequest, Provider } from "../providers/provider.ts";
import { startOf } from "../sign-in-target.ts";
import { addressesBefore } from "../signed-in-before.ts";
import { type Attempt, attemptsOf, isLive, keepAttempt } from "./attempt.ts";
import { sendFault } from "./fault-page.ts";
import { finishSignIn } from "./finish-sign-in.ts";
import { findOffer, type Offer } from "./offers.ts";
import type { SignInParts } from "./sign-in-parts.ts";
import { callbackUrl } from "./start-attempt.ts";

/** A live attempt at a provider that draws a form. */
interface OpenAttempt {
  attempt: Attempt;
  settings: Offer["settings"];
  provider: Provider & Required<Pick<Provider, "drawForm">>;
}

/** `GET`: the form of an attempt. */
export async function showForm(c: LoginContext, parts: SignInParts): Promise<Response> {
  const query = new URLSearchParams(c.var.facts.query);
  const result = openAttempt(c, parts, singleArgument(query, "attempt"));
  if (!result.ok) return sendPage(c, result.page);
  return sendForm(c, result.open, { error: undefined, asksForDelivery: query.has("delivery") });
}

/** `POST`: what the person typed. An attempt lives on until a form of it is right. */
export async function submitForm(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { facts } = c.var;
  const fields = await readForm(c);
  const result = openAttempt(c, parts, fields?.get("attempt"));
  if (!result.ok) return sendPage(c, result.page);

  const { attempt, settings, provider } = result.open;
  const { target, state, secrets } = attempt;
  const answer = await provider.finish({
    facts,
    target,
    state,
    redirectUri: callbackUrl(facts),
    addressesBefore: addressesBefore(c, parts),
    secrets,
    parameters: new URLSearchParams([...(fields ?? [])]),
  });
  if (!answer.ok && answer.fault === "form_refused")
    return sendForm(c, result.open, { error: answer.message, asksForDelivery: false });
  if (!answer.ok) {
    const start = startOf(facts, target);
    return sendFault(c, parts, { provider: settings.id, failure: answer, target, start });
  }

  keepAttempt(c, parts, { ...attempt, used: true });
  return finishSignIn(c, parts, { target, settings, person: answer.identity });
}

/** The attempt with this id, or the page that says why it does not go on. */
function openAttempt(
  c: LoginContext,
  parts: SignInParts,
  id: string | undefined,
): { ok: true; open: OpenAttempt } | { ok: false; page: Page } {
  const { facts } = c.var;
  const attempt = attemptsOf(c, parts).find((each) => each.id === id);
  if (attempt === undefined) return refuse(undefined, unknownAttempt);

  const start = startOf(facts, attempt.target);
  if (!isLive(attempt, parts.now())) return refuse(start, usedOrLate);

  const offer = findOffer(parts, facts, attempt.target, attempt.provider);
  if (offer === undefined) return refuse(start, providerGone);
  const { settings, provider } = offer;
  if (!drawsForm(provider)) return refuse(undefined, unknownAttempt);
  return { ok: true, open: { attempt, settings, provider } };
}

function refuse(start: string | undefined, message: string): { ok: false; page: Page } {
  return { ok: false, page: startAgainPage(start, message) };
}

function drawsForm(provider: Provider): provider is OpenAttempt["provider"] {
  return provider.drawForm !== undefined;
}

function sendForm(
  c: LoginContext,
  { attempt, provider }: OpenAttempt,
  state: Pick<FormRequest, "error" | "asksForDelivery">,
): Promise<Response> {
  const { target, secrets, id: attemptId } = attempt;
  const { facts } = c.var;
  const page = provider.drawForm({ facts, target, secrets, attemptId, ...state });
  return sendPage(c, { ...page, mayBeFramed: mayBeFramed(facts, target) });
}

const unknownAttempt = "This browser has not asked for a code, or did so a long time ago.";
const usedOrLate = "This code has been used already, or has expired.";
const providerGone = "This way to sign in has changed in the meantime.";
