// The routes of a terminal's login (wire-protocol 6.4 to 6.7 and 7): the application's host vouches
// for the request, the team domain asks the person, the relay carries the answer. Approval lives on
// the team domain alone, out of reach of the application's own scripts.
import { endpoints } from "@postern/protocol";
import type { Context, Hono } from "hono";
import { sameNetwork } from "../../network.ts";
import { singleArgument } from "../../single-argument.ts";
import type { StoredSession } from "../../storage/store.ts";
import { openLink, type SignInLink, sealLink, writeSignInLink } from "../../tokens/sign-in-link.ts";
import { goTo, readForm } from "../answers.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import {
  absentPage,
  approvalPage,
  approvedPage,
  brokenLinkPage,
  overPage,
  refusedPage,
} from "../pages/approve.ts";
import { sendPage } from "../pages/layout.ts";
import { browserSession, csrfHolds, csrfValue, decideFor } from "../session.ts";
import { sendNoAccess } from "../sign-in/hand-over.ts";
import {
  deliver,
  hasApproved,
  mayEnter,
  refusesClient,
  type Standing,
  showsNoCode,
  standingOf,
} from "./approve.ts";
import { type CliRequest, formPath, readCliRequest, teamUrl } from "./cli-request.ts";
import { mintPass } from "./pass.ts";
import { createRelay, type Relay } from "./relay.ts";

// The browser is often there before the terminal's first poll, and polls leave short gaps between
// them.
const waitForPollMs = 1_500;
const lookAgainSeconds = 4;

type C = Context<LoginEnv>;
interface Room {
  deps: LoginDependencies;
  relay: Relay;
}

export function terminalRoutes(app: Hono<LoginEnv>, deps: LoginDependencies): void {
  const room: Room = { deps, relay: createRelay(deps, deps.relay) };
  app.all(`${endpoints.transfer}*`, (c) => room.relay.poll(c));
  app.get(endpoints.cli, (c) => (onTeamHost(c) ? ask(c, room) : vouch(c, room)));
  app.post(endpoints.cli, (c) => (onTeamHost(c) ? answer(c, room) : c.notFound()));
  app.post(endpoints.pass, (c) => (onTeamHost(c) ? c.notFound() : mintPass(c, deps)));
}

function onTeamHost(c: C): boolean {
  const { facts } = c.var;
  return facts.host === facts.catalog.teamHost;
}

/**
 * The application's host: says with `meta` that the request came through it, and decides nothing.
 */
async function vouch(c: C, { deps }: Room): Promise<Response> {
  const { facts } = c.var;
  const authority = facts.host + (/:\d+$/.exec(facts.authority)?.[0] ?? "");
  const request = readCliRequest(facts.catalog, authority, facts.query);
  if (typeof request === "string") return sendPage(c, brokenLinkPage(request, undefined));
  return goTo(c, teamUrl(facts.catalog.issuer, request, sealedMeta(deps, request)));
}

/** The team domain: the approval page, always, unless the application leaves it out. */
async function ask(c: C, room: Room): Promise<Response> {
  const { deps, relay } = room;
  const { facts } = c.var;
  const request = readTeamRequest(c);
  if (typeof request === "string") return sendPage(c, brokenLinkPage(request, undefined));
  if (!isVouched(c, deps, request)) {
    return sendPage(
      c,
      brokenLinkPage("The link has expired, or was changed on its way.", freshStart(c, request)),
    );
  }
  const session = await browserSession(c, deps);
  if (session === undefined) return toLogin(c, deps, request);
  const decision = decideFor(deps, facts, request.application, session);
  if (!mayEnter(decision)) return noAccess(c, deps, request, session);

  const standing = standingOf(await relay.mailboxWithPoll(request.key, waitForPollMs), deps.now());
  if (standing.kind === "asking" && leavesPageOut(c, request, standing)) {
    await deliver(deps, relay, {
      request,
      session,
      transfer: standing.transfer,
      decision,
      orgToken: false,
    });
    return showStanding(
      c,
      room,
      request,
      session,
      standingOf(await relay.mailbox(request.key), deps.now()),
    );
  }
  return showStanding(c, room, request, session, standing);
}

/** The click. Everything that the page was shown for is looked at again (case C6). */
async function answer(c: C, room: Room): Promise<Response> {
  const { deps, relay } = room;
  const { facts } = c.var;
  const request = readTeamRequest(c);
  if (typeof request === "string") return sendPage(c, brokenLinkPage(request, undefined));
  const session = await browserSession(c, deps);
  const form = await readForm(c);
  if (
    session === undefined ||
    form === undefined ||
    !csrfHolds(c, deps, session, csrfPurpose(request), form.get("csrf"))
  ) {
    return sendPage(c, {
      ...brokenLinkPage(
        "Your answer did not come from this sign-in's own page, or you were signed out. Nothing was approved.",
        freshStart(c, request),
      ),
      status: 403,
    });
  }
  if (form.get("answer") === "deny") return deny(c, room, request, session);
  const decision = decideFor(deps, facts, request.application, session);
  if (!mayEnter(decision)) {
    await relay.answer(request.key, { state: "policy" });
    deps.record({
      event: "terminal_refused_by_policy",
      ray: facts.rayId,
      ip: facts.clientIp,
      aud: request.application.aud,
    });
    return noAccess(c, deps, request, session);
  }
  const standing = standingOf(await relay.mailboxWithPoll(request.key, waitForPollMs), deps.now());
  if (standing.kind !== "asking" || form.get("answer") !== "approve")
    return showStanding(c, room, request, session, standing);
  if (refusesClient(facts.catalog.organization, standing.transfer))
    return showStanding(c, room, request, session, standing);
  if (showsNoCode(standing.transfer) && form.get("no_code") !== "yes")
    return showStanding(c, room, request, session, standing, true);

  const delivered = await deliver(deps, relay, {
    request,
    session,
    transfer: standing.transfer,
    decision,
    orgToken: request.sendOrgToken,
  });
  if (!delivered)
    return showStanding(
      c,
      room,
      request,
      session,
      standingOf(await relay.mailbox(request.key), deps.now()),
    );
  deps.record({
    event: "terminal_approved",
    ray: facts.rayId,
    ip: facts.clientIp,
    terminal: standing.transfer.address,
    aud: request.application.aud,
  });
  return sendPage(c, approvedPage(request));
}

async function deny(
  c: C,
  room: Room,
  request: CliRequest,
  session: StoredSession,
): Promise<Response> {
  const { deps, relay } = room;
  if (await relay.answer(request.key, { state: "refused" })) {
    deps.record({
      event: "terminal_denied",
      ray: c.var.facts.rayId,
      ip: c.var.facts.clientIp,
      aud: request.application.aud,
    });
    return sendPage(c, refusedPage());
  }
  return showStanding(
    c,
    room,
    request,
    session,
    standingOf(await relay.mailbox(request.key), deps.now()),
  );
}

/** Going back, double-clicking and looking again end here: the page says how the login stands. */
async function showStanding(
  c: C,
  { deps }: Room,
  request: CliRequest,
  session: StoredSession,
  standing: Standing,
  confirmationMissing = false,
): Promise<Response> {
  const { facts } = c.var;
  switch (standing.kind) {
    case "asking": {
      const { transfer } = standing;
      return sendPage(
        c,
        approvalPage({
          request,
          session,
          transfer,
          otherAddress: sameNetwork(transfer.address, facts.clientIp) ? undefined : facts.clientIp,
          needsConfirmation: showsNoCode(transfer),
          refused: refusesClient(facts.catalog.organization, transfer),
          confirmationMissing,
          action: formPath(request),
          csrf: csrfValue(deps, session, csrfPurpose(request)),
          now: deps.now(),
        }),
      );
    }
    case "absent": {
      const again = teamUrl(facts.catalog.issuer, request, sealedMeta(deps, request));
      c.header("Refresh", `${lookAgainSeconds}; url=${again}`);
      return sendPage(c, absentPage(request, again));
    }
    case "answered":
      return sendPage(
        c,
        (await hasApproved(deps, session, standing.transfer))
          ? approvedPage(request)
          : overPage("answered"),
      );
    case "over":
      return sendPage(c, standing.reason === "refused" ? refusedPage() : overPage(standing.reason));
  }
}

/**
 * `skip_interstitial`: one person, one address, a real visit of the page, and no token for other
 * applications.
 */
function leavesPageOut(
  c: C,
  request: CliRequest,
  standing: Extract<Standing, { kind: "asking" }>,
): boolean {
  const { facts } = c.var;
  const visit =
    facts.method === "GET" &&
    (c.req.header("sec-fetch-mode") ?? "navigate") === "navigate" &&
    c.req.header("sec-purpose") === undefined;
  return (
    request.application.skip_interstitial &&
    visit &&
    sameNetwork(standing.transfer.address, facts.clientIp) &&
    !refusesClient(facts.catalog.organization, standing.transfer)
  );
}

/**
 * Through login and back to the application's host, which vouches anew: a slow login outlives
 * `meta`.
 */
function toLogin(c: C, deps: LoginDependencies, request: CliRequest): Response {
  return goTo(c, writeSignInLink(deps.tokens, c.var.facts.catalog.issuer, linkOf(request)));
}

/** Signed in, and not allowed: another person may sign in and answer. */
function noAccess(
  c: C,
  deps: LoginDependencies,
  request: CliRequest,
  session: StoredSession,
): Promise<Response> {
  const { application, authority, path } = request;
  const target = {
    application: { aud: application.aud, authority, redirect_url: path, app_session: "" },
  };
  return sendNoAccess(c, deps, application, target, session);
}

function readTeamRequest(c: C): CliRequest | string {
  const { facts } = c.var;
  const hosts = new URLSearchParams(facts.query).getAll("host");
  if (hosts.length !== 1) return "The link names no application's host.";
  return readCliRequest(facts.catalog, hosts[0] ?? "", facts.query);
}

function sealedMeta(deps: LoginDependencies, request: CliRequest): string {
  return sealLink(deps.tokens, linkOf(request));
}

function linkOf(request: CliRequest): SignInLink {
  return {
    aud: request.application.aud,
    authority: request.authority,
    redirectUrl: request.path,
    appSession: "",
  };
}

/**
 * Every argument counts: one that was altered after the application's host saw it breaks the link
 * (case L4).
 */
function isVouched(c: C, deps: LoginDependencies, request: CliRequest): boolean {
  const meta = singleArgument(new URLSearchParams(c.var.facts.query), "meta");
  return openLink(deps.tokens, meta, linkOf(request)) !== undefined;
}

/** The application's host, where it is sure to be ours: with the port that the team domain has. */
function freshStart(c: C, request: CliRequest): string | undefined {
  const team = new URL(c.var.facts.catalog.issuer);
  const port = /:(\d+)$/.exec(request.authority)?.[1] ?? "";
  return port === team.port ? `${team.protocol}//${request.authority}${request.path}` : undefined;
}

function csrfPurpose(request: CliRequest): string {
  return `terminal ${request.authority} ${request.path}`;
}
