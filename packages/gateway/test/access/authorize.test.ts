// The verdict on a request, without a transport: plain heads in, what becomes of them out. That
// each verdict is also carried out is tested with whole requests, beside this file.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type CredentialScope, tokenCheckArgument } from "@postern/protocol";
import { type AuthorizationParts, authorize, type Verdict } from "../../src/access/authorize.ts";
import { DecisionCache } from "../../src/access/decision-cache.ts";
import { RayIds } from "../../src/access/ray-ids.ts";
import { type ReadRequest, readRequest } from "../../src/access/read-request.ts";
import { claimsOf } from "../tokens/token-fixture.ts";
import {
  ada,
  application,
  bob,
  everybody,
  forged,
  machines,
  only,
  open,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";
import { grantFor } from "./grant-fixture.ts";

const cors = { allow_all_methods: true, allowed_origins: ["https://ui.test"] };
const preflight = ["Origin: https://ui.test", "Access-Control-Request-Method: PUT"];
const stranger = { fault: undefined, reason: undefined, policy: undefined };
const unmatched = { ...stranger, reason: "no_policy_matched" };

interface Asked {
  method?: string;
  target?: string;
}

async function openFixture(context: TestContext) {
  const access = await startAccessFixture(context, [
    application("app", [only(ada)]),
    application("open", [open]),
    application("machines", [machines]),
    application("deny", [{ ...everybody, name: "no robots", decision: "deny" }]),
    application("cors", [everybody], { cors_headers: cors }),
    application("unasked", [everybody], { options_preflight_bypass: true }),
  ]);
  const { fixture, token } = access;
  const { parts, port } = fixture;
  const authorization: AuthorizationParts = {
    tokens: parts.tokens,
    decisions: new DecisionCache(),
    uses: { note: () => undefined },
    useCounts: parts.store.useCounts,
    now: parts.now,
  };
  const rules = {
    scheme: "http" as const,
    allowedPorts: new Set([port]),
    trustedProxies: [],
    isOurs: (text: string) => parts.tokens.isOurs(text),
    rayIds: new RayIds((size) => Buffer.alloc(size)),
  };
  const read = (name: string, lines: readonly string[], asked: Asked = {}): ReadRequest => {
    const { method = "GET", target = "/" } = asked;
    const rawHeaders = [`Host: ${name}.localhost`, ...lines].flatMap((line) => line.split(": ", 2));
    const version = "1.1" as const;
    const head = { method, target, version, rawHeaders, upgrade: undefined, peer: "192.0.2.7" };
    const reading = readRequest(rules, head, parts.catalogs.current());
    assert.ok(reading.ok);
    return reading;
  };
  const verdictNow = (...asked: Parameters<typeof read>): Verdict | Promise<Verdict> => {
    const reading = read(...asked);
    const { match } = reading.facts;
    assert.ok(match !== undefined);
    return authorize(authorization, reading, match.application);
  };
  return {
    token,
    grant: (scope: CredentialScope) => grantFor(access, "app", { ...scope }),
    verdictNow,
    verdict: async (...asked: Parameters<typeof read>) => verdictNow(...asked),
  };
}

/** A verdict without what it follows from. */
function outcomeOf(verdict: Verdict): object {
  const { authentication: _, decision: __, ...outcome } = { ...noBasis, ...verdict };
  return outcome;
}

const noBasis = { authentication: undefined, decision: undefined };

const forwardOfAnyone = { kind: "forward", identity: undefined, asker: { kind: "anyone" } };

test("whoever policy lets in goes on to the origin, with an assertion of who they are", async (context) => {
  const { token: tokenFor, verdict } = await openFixture(context);
  const token = await tokenFor("app");
  const verdicts = [
    await verdict("app", [`Cookie: a=b; CF_Authorization=${token}`]),
    await verdict("app", [`cf-access-token: ${token}`]),
    await verdict("app", [], { target: `/?token=${token}` }),
  ];
  const [first] = verdicts;
  assert.ok(first?.kind === "forward" && first.identity !== undefined);
  const { assertion } = first.identity;
  assert.deepEqual(claimsOf(assertion), { ...claimsOf(token), use: "assertion" });
  for (const each of verdicts) {
    assert.ok(each.kind === "forward" && each.asker.kind === "person");
    assert.deepEqual(each.identity, { assertion, email: ada, more: [], asCookie: false });
    assert.equal(each.asker.session.identity.email, ada);
    assert.equal(each.asker.expiresAt, Number(claimsOf(token)["exp"]) * 1000);
  }

  const robot = await verdict("machines", robotPair);
  assert.ok(robot.kind === "forward" && robot.identity !== undefined);
  assert.equal(robot.identity.email, undefined);
  assert.match(robot.identity.assertion, /^eyJ/);
});

test("where policy asks nobody, the origin is told of nobody, whatever credentials come along", async (context) => {
  const { token, verdict } = await openFixture(context);
  const credentials = [
    [],
    [`cf-access-token: ${await token("open")}`],
    robotPair,
    ["cf-access-token: x"],
  ];
  for (const lines of credentials)
    assert.deepEqual(outcomeOf(await verdict("open", lines)), forwardOfAnyone);
});

test("everybody else is refused, on grounds that the log gets to read", async (context) => {
  const { token, verdict } = await openFixture(context);
  const assertion = await token("app");
  const denied = (who: string, grounds: object) => ({ kind: "denied", who, grounds });
  const failed = (fault: string) => ({
    kind: "bad_credentials",
    fault,
    grounds: { ...stranger, fault },
  });
  const cases: [string, string, readonly string[], object][] = [
    ["nobody", "app", [], { kind: "sign_in", grounds: stranger }],
    [
      "a forged token",
      "app",
      [`cf-access-token: ${forged(assertion)}`],
      {
        kind: "token_dead",
        ending: "revoked",
        isGrant: false,
        grounds: { ...stranger, fault: "bad_signature" },
      },
    ],
    [
      "a token of another application",
      "app",
      [`Cookie: CF_Authorization=${await token("cors")}`],
      { kind: "sign_in", grounds: { ...stranger, fault: "wrong_audience" } },
    ],
    [
      "somebody else",
      "app",
      [`cf-access-token: ${await token("app", bob)}`],
      denied("person", { ...unmatched, email: bob }),
    ],
    ["a program", "app", robotPair, denied("service", { ...unmatched, client_id: "robot.access" })],
    ["nobody, where signing in does not help", "machines", [], denied("nobody", unmatched)],
    [
      "somebody whom a policy names",
      "deny",
      [`cf-access-token: ${await token("deny")}`],
      denied("person", { fault: undefined, email: ada, reason: "policy", policy: "no robots" }),
    ],
    ["half a pair", "app", robotPair.slice(1), failed("half_service_token")],
    ["two pairs", "app", [...robotPair, ...robotPair], failed("two_service_tokens")],
    [
      "a wrong secret",
      "app",
      ["CF-Access-Client-Id: robot.access", "CF-Access-Client-Secret: x"],
      {
        ...failed("bad_service_token"),
        grounds: {
          ...stranger,
          fault: "bad_service_token",
          client_id: "robot.access",
          cause: "wrong_secret",
        },
      },
    ],
    [
      "an unknown program",
      "app",
      ["CF-Access-Client-Id: x.access", "CF-Access-Client-Secret: x"],
      {
        ...failed("bad_service_token"),
        grounds: { ...stranger, fault: "bad_service_token", cause: "unknown" },
      },
    ],
    [
      "two headers",
      "app",
      [`cf-access-token: ${assertion}`, `cf-access-token: ${assertion}`],
      failed("two_access_tokens"),
    ],
    [
      "two people",
      "app",
      [`Cookie: CF_Authorization=${assertion}; CF_Authorization=${await token("app", bob)}`],
      failed("two_persons"),
    ],
  ];
  for (const [who, name, lines, expected] of cases)
    assert.deepEqual(outcomeOf(await verdict(name, lines)), expected, who);
});

test("questions about an application have their verdict before anybody is asked who they are", async (context) => {
  const { verdict } = await openFixture(context);
  const question = ["cf-access-metadata-request: true", "cf-access-token: x"];
  assert.deepEqual(await verdict("app", question), { kind: "describe", asksForLogin: true });
  assert.deepEqual(await verdict("open", question), { kind: "describe", asksForLogin: false });

  const options = { method: "OPTIONS" };
  assert.equal((await verdict("cors", preflight, options)).kind, "preflight");
  assert.deepEqual(outcomeOf(await verdict("unasked", preflight, options)), forwardOfAnyone);
  assert.equal((await verdict("app", preflight, options)).kind, "sign_in");
  const withBody = [...preflight, "Content-Length: 1"];
  assert.equal((await verdict("unasked", withBody, options)).kind, "sign_in");
  // A browser asks for no upgrade beforehand: an origin would get a tunnel from a stranger.
  const withUpgrade = [...preflight, "Connection: Upgrade", "Upgrade: websocket"];
  assert.equal((await verdict("unasked", withUpgrade, options)).kind, "sign_in");
  assert.equal((await verdict("cors", withUpgrade, options)).kind, "sign_in");
});

test("a client that asks only for a check gets it where it would be let through, and nowhere else", async (context) => {
  const { token, verdict } = await openFixture(context);
  const check = { target: `/x?${tokenCheckArgument}=true` };
  const line = `cf-access-token: ${await token("app")}`;
  assert.deepEqual(await verdict("app", [line], check), { kind: "token_holds" });
  assert.deepEqual(await verdict("open", [], check), { kind: "token_holds" });
  assert.equal((await verdict("app", [], check)).kind, "sign_in");
  assert.equal((await verdict("app", robotPair, check)).kind, "denied");
  const other = { target: `/x?${tokenCheckArgument}=1` };
  assert.equal((await verdict("app", [line], other)).kind, "forward");
});

test("a token that was verified before has its verdict at once", async (context) => {
  const { token, verdict, verdictNow } = await openFixture(context);
  const line = `cf-access-token: ${await token("app")}`;
  await verdict("app", [line]);
  assert.ok(!(verdictNow("app", [line]) instanceof Promise));
});

test("a grant that was used before has its verdict at once, and only one with a count asks the store", async (context) => {
  const access = await openFixture(context);
  const { verdict, verdictNow } = access;
  const cases: [CredentialScope, boolean][] = [
    [{ paths: ["/orders/*"] }, false],
    [{ paths: ["/orders/*"], count: 5 }, true],
  ];
  for (const [scope, waits] of cases) {
    const { lines, grant } = await access.grant(scope);
    const first = await verdict("app", lines, { target: "/orders/7" });
    assert.ok(first.kind === "forward" && first.asker.kind === "person");
    assert.deepEqual(first.asker.grant, { id: grant.id, label: undefined });
    const second = verdictNow("app", lines, { target: "/orders/7" });
    assert.equal(second instanceof Promise, waits);
    assert.equal((await second).kind, "forward");
    assert.ok(!(verdictNow("app", lines, { target: "/" }) instanceof Promise));
  }
});
