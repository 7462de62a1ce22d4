// The page where the one-time PIN is typed, and its form. In a file of its own because it joins
// both halves: the PIN, which knows no sessions, and the end of signing in, which knows no PIN.
import { endpoints } from "@postern/protocol";
import type { Context } from "hono";
import { readForm } from "../answers.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { startAgainPage } from "../pages/error.ts";
import { sendPage } from "../pages/layout.ts";
import { pinPage } from "../pages/pin.ts";
import { type Attempt, attemptsOf, isLive, keepAttempt, sealTarget } from "../sign-in/attempt.ts";
import { finishSignIn, nameOf, startOf } from "../sign-in/sign-in.ts";
import { type PinStep, pinIdentity, pinLifeMs, tooManyPage, verifyPin } from "./one-time-pin.ts";

type C = Context<LoginEnv>;

export async function showPin(c: C, deps: LoginDependencies): Promise<Response> {
  const ids = new URLSearchParams(c.get("facts").query).getAll("attempt");
  const found = ids.length === 1 ? pinAttempt(c, deps, ids[0] ?? "") : undefined;
  if (found === undefined)
    return sendPage(
      c,
      startAgainPage(undefined, "This browser asked for no code, or a long time ago."),
    );
  if (!isLive(found.attempt, deps.now()))
    return sendPage(c, startAgainPage(startOf(c.get("facts"), found.attempt.target), usedOrLate));
  return sendPinPage(c, deps, found.attempt, found.step);
}

export async function submitPin(c: C, deps: LoginDependencies): Promise<Response> {
  const facts = c.get("facts");
  const form = await readForm(c);
  const found = form === undefined ? undefined : pinAttempt(c, deps, form.get("attempt") ?? "");
  if (form === undefined || found === undefined) {
    return sendPage(
      c,
      startAgainPage(undefined, "This browser asked for no code, or a long time ago."),
    );
  }
  const { attempt, step } = found;
  const start = startOf(facts, attempt.target);
  if (!isLive(attempt, deps.now())) return sendPage(c, startAgainPage(start, usedOrLate));
  const typed = form.get("code") ?? "";
  // What cannot be a code costs no try, and tells nothing.
  if (!/^[\s-]*(?:\d[\s-]*){6}$/.test(typed))
    return sendPinPage(c, deps, attempt, step, "The code has six digits.");

  const verdict = await verifyPin(c, deps, attempt, step, typed);
  const provider = facts.catalog.identityProviders.get(step.provider);
  if (verdict !== "right") {
    deps.record({
      event: "pin_refused",
      ray: facts.rayId,
      ip: facts.clientIp,
      provider: step.provider,
      verdict,
    });
  }
  switch (verdict) {
    case "too_many":
      return sendPage(c, tooManyPage("codes were tried", 60 * 60_000));
    case "over":
      return sendPage(
        c,
        startAgainPage(start, "This code was used, has expired, or was typed wrongly too often."),
      );
    case "wrong":
      return sendPinPage(
        c,
        deps,
        attempt,
        step,
        "That is not the code. Look at the newest message.",
      );
    case "right":
      keepAttempt(c, deps, { ...attempt, used: true });
      if (provider === undefined)
        return sendPage(c, startAgainPage(start, "The way to sign in has changed meanwhile."));
      return finishSignIn(c, deps, {
        target: attempt.target,
        provider,
        provided: pinIdentity(step.email),
      });
  }
}

const usedOrLate = "This code was used already, or its time ran out.";

function pinAttempt(
  c: C,
  deps: LoginDependencies,
  id: string,
): { attempt: Attempt; step: PinStep } | undefined {
  const attempt = attemptsOf(c, deps).find((each) => each.id === id);
  return attempt?.step.kind === "pin" ? { attempt, step: attempt.step } : undefined;
}

function sendPinPage(
  c: C,
  deps: LoginDependencies,
  attempt: Attempt,
  step: PinStep,
  error?: string,
): Promise<Response> {
  const page = pinPage({
    email: step.email,
    name: nameOf(c.get("facts"), attempt.target),
    attempt: attempt.id,
    minutes: pinLifeMs / 60_000,
    resend: {
      action: endpoints.login,
      target: sealTarget(deps, attempt.target),
      provider: step.provider,
    },
    ...(error === undefined ? {} : { error }),
  });
  return sendPage(c, page);
}
