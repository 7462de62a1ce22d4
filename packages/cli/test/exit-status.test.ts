// The contract's exit statuses, each brought about for real, and what is said: one line that names
// the URL and what to do next, as text or as JSON.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { needs } from "../../../test/support/requirements.ts";
import { end, json, type Peer, type Seen, startPeer } from "./support/peer.ts";
import { type Machine, machine } from "./support/terminal.ts";

interface Case {
  what: string;
  status: number;
  code: string;
  says: RegExp;
  args: (peer: Peer) => string[];
  answer?: (seen: Seen, response: ServerResponse, peer: Peer) => boolean;
  /** sign in to `app` first */
  signedIn?: true;
}

const onPoll = (seen: Seen) => seen.url.startsWith("/transfer/");
const refusedWith = (error: string) => (seen: Seen, response: ServerResponse) => {
  if (onPoll(seen)) json(response, 410, { error });
  return onPoll(seen);
};
const login = (peer: Peer) => ["login", peer.origin("app")];
const token = (peer: Peer) => ["token", peer.origin("app")];

const cases: Case[] = [
  {
    what: "no such flag",
    status: 2,
    code: "usage",
    says: /--nonsense is not a flag.*--help/,
    args: (peer) => ["token", "--nonsense", peer.origin("app")],
  },
  {
    what: "no such format",
    status: 2,
    code: "usage",
    says: /one of raw, header, env, json, exec-credential/,
    args: (peer) => ["token", "--format=xml", peer.origin("app")],
  },
  {
    what: "no such prompt",
    status: 2,
    code: "usage",
    says: /login or select_account/,
    args: (peer) => ["login", "--prompt=none", peer.origin("app")],
  },
  {
    what: "no URL",
    status: 2,
    code: "usage",
    says: /needs the URL.*for example/,
    args: () => ["whoami"],
  },
  {
    what: "no time",
    status: 2,
    code: "usage",
    says: /--timeout soon is not a duration; write it like/,
    args: (peer) => ["login", "--timeout", "soon", peer.origin("app")],
  },
  {
    what: "not signed in",
    status: 3,
    code: "not_signed_in",
    says: /not signed in to http:\/\/app\.localhost:\d+; sign in with: postern access login http:\/\/app/,
    args: token,
  },
  {
    what: "nothing to log out of",
    status: 3,
    code: "not_signed_in",
    says: /there is nothing to end/,
    args: (peer) => ["logout", peer.origin("app")],
  },
  {
    what: "refused by policy at login",
    status: 4,
    code: "refused_by_policy",
    says: /the person who signed in may not reach app\.localhost; ask its owner/,
    args: login,
    answer: refusedWith("policy"),
  },
  {
    what: "signed in, refused by policy",
    status: 4,
    code: "refused_by_policy",
    says: /ada@example\.com may not reach .*; ask its owner, or sign out to use another account/,
    args: login,
    signedIn: true,
    answer: (seen, response) => {
      if (!seen.url.includes("cloudflared_token_check")) return false;
      end(response, 403);
      return true;
    },
  },
  {
    what: "signed in, refused by policy elsewhere",
    status: 4,
    code: "refused_by_policy",
    says: /ada@example\.com may not reach http:\/\/other\.localhost/,
    args: (peer) => ["token", peer.origin("other")],
    signedIn: true,
    answer: (seen, response) => {
      if (!seen.url.startsWith("/cdn-cgi/access/login/")) return false;
      end(response, 403);
      return true;
    },
  },
  {
    what: "no gateway",
    status: 5,
    code: "not_behind_access",
    says: /is not behind Access/,
    args: (peer) => ["login", `http://nobody.localhost:${peer.port}`],
  },
  {
    what: "nothing there",
    status: 5,
    code: "unreachable",
    says: /nothing answers at http:\/\/app\.localhost:1; check/,
    args: () => ["login", "http://app.localhost:1"],
  },
  {
    what: "everybody may come in",
    status: 5,
    code: "not_behind_access",
    says: /policy lets everybody reach/,
    args: (peer) => ["login", peer.origin("app")],
    answer: (seen, response, peer) => {
      if (seen.headers["cf-access-metadata-request"] === undefined) return false;
      void peer
        .metadata("app", { login: false })
        .then((text) => end(response.setHeader("cf-access-metadata", text), 204));
      return true;
    },
  },
  {
    what: "refused on the page",
    status: 6,
    code: "login_refused",
    says: /was denied on the approval page/,
    args: login,
    answer: refusedWith("refused"),
  },
  {
    what: "not answered",
    status: 6,
    code: "login_timeout",
    says: /nobody approved the sign-in to app\.localhost in time/,
    args: login,
    answer: refusedWith("expired"),
  },
  {
    what: "not answered before this terminal gave up",
    status: 6,
    code: "login_timeout",
    says: /nobody approved .* in time; start it again/,
    args: (peer) => ["login", "--timeout", "50ms", peer.origin("app")],
    answer: onPoll,
  },
  {
    what: "a relay that does not want",
    status: 1,
    code: "failure",
    says: /did not hand over the token \(status 500\); start it again/,
    args: login,
    answer: (seen, response) => {
      if (onPoll(seen)) end(response, 500);
      return onPoll(seen);
    },
  },
  {
    what: "nothing to forget",
    status: 1,
    code: "failure",
    says: /nothing is remembered for api\.example\.com/,
    args: () => ["forget", "api.example.com"],
  },
  {
    what: "no identity",
    status: 1,
    code: "failure",
    says: /did not say who you are \(status 500\)/,
    args: (peer) => ["whoami", peer.origin("app")],
    signedIn: true,
    answer: (seen, response) => {
      if (!seen.url.includes("get-identity")) return false;
      end(response, 500);
      return true;
    },
  },
];

async function scene(context: TestContext, each: Case): Promise<{ peer: Peer; person: Machine }> {
  const peer = await startPeer(context);
  const person = machine(context);
  if (each.signedIn) await person.run(["access", "login", "-q", peer.origin("app")]);
  const { answer } = each;
  if (answer !== undefined) peer.answer = (seen, response) => answer(seen, response, peer);
  return { peer, person };
}

for (const each of cases) {
  test(`${each.what}: status ${each.status}, ${each.code}`, async (context) => {
    const { peer, person } = await scene(context, each);
    const run = await person.run(["access", ...each.args(peer)]);
    assert.equal(run.status, each.status, run.stderr);
    assert.equal(run.stdout, "");
    const last = run.stderr.trimEnd().split("\n").at(-1) ?? "";
    assert.match(last, /^postern: /);
    assert.match(last, each.says);
    const asJson = await scene(context, each);
    const [command = "", ...args] = each.args(asJson.peer);
    const inJson = await asJson.person.run(["access", command, "--json", ...args]);
    assert.equal(inJson.status, each.status);
    const { error } = JSON.parse(inJson.stderr.trimEnd().split("\n").at(-1) ?? "") as {
      error: { code: string; message: string };
    };
    assert.equal(error.code, each.code);
    assert.match(error.message, each.says);
  });
}

test(
  "wrappers say 125 and which of these it was; the tool's own status is left alone",
  needs("curl", "wget"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const url = peer.origin("localhost");
    for (const [args, code] of [
      [["curl", "-s", peer.origin("app")], "not_signed_in"],
      [["curl", "-s", "http://app.localhost:1"], "not_signed_in"],
      [["put", "wget", peer.origin("app")], "not_signed_in"],
      [["put", "wget", url], "not_behind_access"],
      [["put", "--via", "x", "wget", url], "usage"],
      [["curl", "--profile"], "usage"],
    ] as const) {
      const run = await person.run(["access", ...args]);
      assert.equal(run.status, 125, run.stderr);
      assert.match(run.stderr, new RegExp(`^postern: .* \\[${code}\\]\\n$`, "m"), args.join(" "));
    }
    await person.run(["access", "login", "-q", peer.origin("app")]);
    assert.equal(
      (
        await person.run([
          "access",
          "curl",
          "-sf",
          "--max-time",
          "60",
          "-o",
          "/nowhere/x",
          peer.origin("app"),
        ])
      ).status,
      23,
    );
    assert.equal(
      (await person.run(["access", "curl", "--definitely-no-option", peer.origin("app")])).status,
      2,
    );
  },
);
