// Steps 2 and 3 of a browser's login (wire-protocol 5), on the team domain: the sign-in page, the
// way to a provider, and its answer. Nothing is kept here for people who have proven nothing: an
// attempt lives sealed in their own browser.
import { endpoints, headers } from "@postern/protocol";
import type { Context } from "hono";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Application, IdentityProvider } from "../../model/model.ts";
import type { StoredSession } from "../../storage/store.ts";
import { goTo, isFromBrowser, readForm, setPrivate } from "../answers.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { errorPage, startAgainPage } from "../pages/error.ts";
import { sendPage } from "../pages/layout.ts";
import { signInPage } from "../pages/sign-in.ts";
import type {
  ProvidedIdentity,
  RedirectProvider,
  SignInFault,
} from "../providers/identity-provider.ts";
import { redirectProvider } from "../providers/index.ts";
import { askForPin } from "../providers/one-time-pin.ts";
import {
  browserSession,
  clearSessionCookie,
  csrfHolds,
  equalSecrets,
  startBrowserSession,
  terminalSession,
} from "../session.ts";
import { hostOf } from "../terminal/cli-request.ts";
import {
  type Attempt,
  type AttemptStep,
  attemptsOf,
  isLive,
  keepAttempt,
  newAttemptId,
  openTarget,
  randomSecret,
  type SignInTarget,
  sealTarget,
} from "./attempt.ts";
import { handOver, someoneElsePurpose } from "./hand-over.ts";
import { readLoginRequest } from "./login-request.ts";

type C = Context<LoginEnv>;

/** `GET` and `HEAD` of the login page. */
export async function showLogin(c: C, deps: LoginDependencies): Promise<Response> {
  const facts = c.get("facts");
  const request = readLoginRequest(deps, facts);
  if (!request.ok) {
    return request.reason === "unknown_application"
      ? sendPage(c, unknownApplication)
      : sendPage(c, startAgainPage(request.freshStart, stale));
  }
  const { application, target } = request;
  if (application !== undefined) {
    c.header(headers.aud, application.aud);
    c.header(headers.domain, hostOf(target.application?.authority ?? "") ?? "");
  }
  // Wire-protocol 6.3: a terminal's own token is exchanged here, by the terminal, and serves
  // nothing else.
  const terminal =
    target.application === undefined || isFromBrowser(c)
      ? undefined
      : await terminalSession(c, deps);
  const session = terminal ?? (await browserSession(c, deps));
  if (session !== undefined) return handOver(c, deps, target, session);
  if (facts.method === "HEAD") {
    setPrivate(c);
    return c.body(null, 200);
  }
  const providers = providersFor(facts, application);
  const [only] = providers;
  if (
    application?.auto_redirect_to_identity === true &&
    providers.length === 1 &&
    only?.type !== "onetimepin" &&
    only !== undefined
  ) {
    return begin(c, deps, target, only);
  }
  return showSignIn(c, deps, target);
}

/** The forms of the sign-in page, and of the pages that lead back to it. */
export async function submitLogin(c: C, deps: LoginDependencies): Promise<Response> {
  const form = await readForm(c);
  const opened = form === undefined ? undefined : openTarget(deps, form.get("target") ?? "");
  if (form === undefined || opened === undefined)
    return sendPage(c, startAgainPage(undefined, "The form could not be read."));
  const { target, expired } = opened;
  if (expired)
    return sendPage(
      c,
      startAgainPage(startOf(c.get("facts"), target), "The page was open for a long time."),
    );
  if (form.has("someone_else")) return signInAsSomeoneElse(c, deps, target, form.get("csrf"));
  const facts = c.get("facts");
  const provider = providersFor(facts, applicationOf(facts, target)).find(
    ({ id }) => id === form.get("provider"),
  );
  if (provider === undefined || form.has("back")) return showSignIn(c, deps, target);
  if (provider.type === "onetimepin") {
    const answer = await askForPin(c, deps, {
      target,
      provider,
      name: nameOf(facts, target),
      typed: form.get("email") ?? "",
    });
    return (
      answer ??
      showSignIn(c, deps, target, {
        value: form.get("email") ?? "",
        error: "Write your whole e-mail address, like ada@example.com.",
      })
    );
  }
  return begin(c, deps, target, provider);
}

/** The provider's answer. One attempt takes one answer (case L5). */
export async function callback(c: C, deps: LoginDependencies): Promise<Response> {
  const facts = c.get("facts");
  const query = new URLSearchParams(facts.query);
  // Case H10: a doubled argument means one thing to us and another to somebody else.
  if (["state", "code", "iss", "error"].some((name) => query.getAll(name).length > 1)) {
    return sendPage(
      c,
      startAgainPage(undefined, "The identity provider's answer says the same thing twice."),
    );
  }
  const found = attemptOfState(attemptsOf(c, deps), query.get("state") ?? "");
  if (found === undefined)
    return sendPage(
      c,
      startAgainPage(undefined, "This browser has no sign-in that belongs to this answer."),
    );
  const { attempt, step } = found;
  const start = startOf(facts, attempt.target);
  if (!isLive(attempt, deps.now()))
    return sendPage(
      c,
      startAgainPage(start, "This sign-in was used already, or its time ran out."),
    );
  keepAttempt(c, deps, { ...attempt, used: true });

  const provider = providersFor(facts, applicationOf(facts, attempt.target)).find(
    ({ id }) => id === step.provider,
  );
  const way = provider === undefined ? undefined : redirectProvider(provider, deps.now);
  if (provider === undefined || way === undefined)
    return sendPage(c, startAgainPage(start, "The way to sign in has changed meanwhile."));
  const result = await way.finish({
    redirectUri: callbackUrl(facts),
    secrets: step,
    query: facts.query,
  });
  if (!result.ok) {
    deps.record({
      event: "sign_in_failed",
      ray: facts.rayId,
      ip: facts.clientIp,
      provider: provider.id,
      fault: result.fault,
      detail: result.detail,
    });
    return sendPage(c, faultPage(result.fault, start));
  }
  return finishSignIn(c, deps, { target: attempt.target, provider, provided: result.identity });
}

/**
 * Somebody has proven who they are: the session starts, the one before it ends where it was another
 * person's.
 */
export async function finishSignIn(
  c: C,
  deps: LoginDependencies,
  signedIn: { target: SignInTarget; provider: IdentityProvider; provided: ProvidedIdentity },
): Promise<Response> {
  const { target, provider, provided } = signedIn;
  const facts = c.get("facts");
  const before = await browserSession(c, deps);
  const identity = {
    ...provided,
    idp: { id: provider.id, type: provider.type },
    ip: facts.clientIp,
    country: "",
    iat: Math.floor(deps.now() / 1000),
  };
  const session = await startBrowserSession(c, deps, identity, applicationOf(facts, target));
  if (before !== undefined && before.user_id !== session.user_id)
    await deps.sessions.end(before.id);
  deps.record({
    event: "signed_in",
    ray: facts.rayId,
    ip: facts.clientIp,
    provider: provider.id,
    user: session.user_id,
  });
  return handOver(c, deps, target, session);
}

/**
 * Where a failed attempt begins anew: the application itself, which sends the browser back with
 * fresh arguments.
 */
export function startOf(facts: RequestFacts, target: SignInTarget): string {
  const { application } = target;
  if (application === undefined) return `${facts.catalog.issuer}${endpoints.login}`;
  return `${facts.scheme}://${application.authority}${application.redirect_url}`;
}

/** What the pages call that which one signs in to. */
export function nameOf(facts: RequestFacts, target: SignInTarget): string {
  return applicationOf(facts, target)?.name ?? facts.catalog.organization.name;
}

async function begin(
  c: C,
  deps: LoginDependencies,
  target: SignInTarget,
  provider: IdentityProvider,
): Promise<Response> {
  const facts = c.get("facts");
  const way = redirectProvider(provider, deps.now) as RedirectProvider;
  const id = newAttemptId();
  const secrets = {
    state: `${id}.${randomSecret()}`,
    nonce: randomSecret(),
    verifier: randomSecret(),
  };
  let url: string;
  try {
    url = await way.begin({
      redirectUri: callbackUrl(facts),
      secrets,
      someoneElse: target.someone_else === true,
    });
  } catch (error) {
    deps.record({
      event: "provider_unusable",
      ray: facts.rayId,
      provider: provider.id,
      error: String(error).slice(0, 300),
    });
    return sendPage(c, faultPage("provider_unreachable", startOf(facts, target)));
  }
  const step = { kind: "redirect" as const, provider: provider.id, ...secrets };
  keepAttempt(c, deps, { id, created_at: deps.now(), target, step });
  return goTo(c, url);
}

function showSignIn(
  c: C,
  deps: LoginDependencies,
  target: SignInTarget,
  email?: { value: string; error: string },
): Promise<Response> {
  const facts = c.get("facts");
  const page = signInPage({
    name: nameOf(facts, target),
    action: endpoints.login,
    target: sealTarget(deps, target),
    providers: providersFor(facts, applicationOf(facts, target)),
    ...(email === undefined ? {} : { email }),
  });
  return sendPage(c, page);
}

/**
 * Ends this browser's session first: it must not come back when the person turns away now (case
 * T10).
 */
async function signInAsSomeoneElse(
  c: C,
  deps: LoginDependencies,
  target: SignInTarget,
  csrf: string | undefined,
): Promise<Response> {
  const session: StoredSession | undefined = await browserSession(c, deps);
  if (session !== undefined) {
    if (!csrfHolds(c, deps, session, someoneElsePurpose, csrf)) {
      return sendPage(
        c,
        startAgainPage(startOf(c.get("facts"), target), "The page was not this session's own."),
      );
    }
    await deps.sessions.end(session.id);
  }
  clearSessionCookie(c);
  return showSignIn(c, deps, target);
}

function applicationOf(facts: RequestFacts, target: SignInTarget): Application | undefined {
  return facts.catalog.applicationByAud.get(target.application?.aud ?? "");
}

/** `allowed_idps` in the order of the configuration; empty means all (access-features 6). */
function providersFor(
  facts: RequestFacts,
  application: Application | undefined,
): IdentityProvider[] {
  const all = [...facts.catalog.identityProviders.values()];
  const allowed = application?.allowed_idps ?? [];
  return allowed.length === 0 ? all : all.filter(({ id }) => allowed.includes(id));
}

function attemptOfState(
  attempts: readonly Attempt[],
  state: string,
): { attempt: Attempt; step: Extract<AttemptStep, { kind: "redirect" }> } | undefined {
  for (const attempt of attempts) {
    const { step } = attempt;
    if (step.kind === "redirect" && equalSecrets(step.state, state)) return { attempt, step };
  }
  return undefined;
}

function callbackUrl(facts: RequestFacts): string {
  return `${facts.catalog.issuer}${endpoints.callback}`;
}

const stale = "The link to this page has expired, or was changed on its way.";

const unknownApplication = errorPage({
  status: 400,
  heading: "Unable to find the application",
  message:
    "The link names an application that is not here. Open the application's own address: it brings you back with a good link.",
});

/** General words on the page, the precise reason in the log. */
function faultPage(fault: SignInFault, start: string): ReturnType<typeof errorPage> {
  const next = { href: start, label: "Start again" };
  switch (fault) {
    case "provider_unreachable":
      return errorPage({
        status: 502,
        heading: "Signing in is not possible right now",
        message: "The identity provider does not answer. Try again in a moment.",
        next,
      });
    case "provider_refused":
      return errorPage({
        status: 403,
        heading: "You were not signed in",
        message: "The identity provider did not sign you in, or you cancelled.",
        next,
      });
    case "answer_invalid":
      return errorPage({
        status: 400,
        heading: "Let's start again",
        message: "The identity provider's answer did not fit this sign-in.",
        next,
      });
    case "email_missing":
    case "email_unusable":
    case "email_unverified":
      return errorPage({
        status: 403,
        heading: "Your account cannot be used here",
        message:
          "The identity provider did not state a verified e-mail address of yours. Ask the people who run it, and give them the ray ID.",
        next: { href: start, label: "Sign in another way" },
      });
  }
}
