// Attacks on somebody who signs in from a terminal (security-cases 2.6): a server that pretends to
// be another application, a relay that hands over something else, and planted files. The command
// line is the built one, as a process of its own; the other side is a peer that can lie.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  decodeTransferKey,
  encodeTransferKey,
  generateTransferKeyPair,
  sealTokens,
} from "@postern/protocol";
import {
  end,
  json,
  type Peer,
  type Seen,
  startPeer,
} from "../../packages/cli/test/support/peer.ts";
import { type Finished, type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import { needs } from "../support/requirements.ts";

const jws = /[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}/;

async function scene(context: TestContext): Promise<{ peer: Peer; person: Machine; url: string }> {
  const peer = await startPeer(context);
  return { peer, person: machine(context), url: peer.origin("app") };
}

/** One line for the person, nothing for a script, and no stack. */
function assertFailed(run: Finished, status: number, what: string): void {
  assert.equal(run.status, status, `${what}: ${run.stderr}`);
  assert.equal(run.stdout, "", what);
  assert.doesNotMatch(run.stderr, /\n\s+at |went wrong that should not/, what);
  assert.match(run.stderr.trimEnd().split("\n").at(-1) ?? "", /^postern: /, what);
}

function files(person: Machine): string[] {
  try {
    return (readdirSync(person.home, { recursive: true }) as string[]).filter((name) =>
      /\.json$|\.lock$/.test(name),
    );
  } catch {
    return [];
  }
}

function answerMetadata(peer: Peer, host: string, make: () => Promise<string>): void {
  peer.answer = async (seen, response) => {
    if (
      !seen.host.startsWith(`${host}.`) ||
      seen.headers["cf-access-metadata-request"] === undefined
    )
      return false;
    response.setHeader("cf-access-metadata", await make());
    end(response, 204);
    return true;
  };
}

test(
  "a server that names another application as its own gets no token of it (C1)",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await scene(context);
    const evil = await startPeer(context, { hosts: ["evil", "app"] });
    const { stdout: token } = await person.run(["access", "login", "--no-verbose", url]);
    const aud = peer.auds["app.localhost"];
    const program = {
      POSTERN_SERVICE_TOKEN_ID: "robot.access",
      POSTERN_SERVICE_TOKEN_SECRET: "s3cr3t-of-the-robot",
    };
    const lies: [string, () => Promise<string>][] = [
      ["the application's own description", () => peer.metadata("app")],
      [
        "the application's name and AUD, under its own key",
        () => evil.metadata("app", { auth_domain: new URL(peer.team).host, aud }),
      ],
      [
        "its own name under the application's team domain",
        () => evil.metadata("evil", { auth_domain: new URL(peer.team).host, aud }),
      ],
      [
        "nothing that is signed",
        async () =>
          `e30.${Buffer.from(JSON.stringify({ auth_domain: new URL(peer.team).host })).toString("base64url")}.`,
      ],
      [
        "the application's AUD and a pattern that covers both",
        () => evil.metadata("evil", { aud, app_hostname: "*.localhost" }),
      ],
      [
        "the application's pattern",
        () => evil.metadata("evil", { aud, app_hostname: "app.localhost" }),
      ],
    ];
    for (const [what, make] of lies) {
      answerMetadata(evil, "evil", make);
      const target = `${evil.origin("evil")}/x`;
      for (const args of [
        ["curl", "-s", target],
        ["token", target],
        ["put", "printf", "%s", target],
        ["whoami", target],
        ["http", target, "--url", "localhost:0"],
        ["tcp", "--hostname", target],
        ["ssh-gen", "--hostname", target],
      ]) {
        // A team of its own has whoever wants one: a service token goes where a person sends it.
        const environments = what.includes("pattern") ? [{}] : [{}, program];
        for (const environment of environments) {
          const run = await person.run(["access", ...args], environment);
          assert.notEqual(run.status, 0, `${what}: ${args[0]}`);
          assert.equal(run.stdout, "", `${what}: ${args[0]}`);
        }
      }
    }
    assert.ok(!JSON.stringify(evil.requests).includes(program.POSTERN_SERVICE_TOKEN_SECRET));
    assert.deepEqual(evil.forwarded(), [], "nothing but questions who it is");
    assert.ok(!JSON.stringify(evil.requests).includes(token));
    assert.ok(
      evil.requests.every(
        ({ headers }) => headers.cookie === undefined && headers["cf-access-token"] === undefined,
      ),
    );
  },
);

test(
  "a host that changes its team domain is refused until the person says so (C1)",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await scene(context);
    answerMetadata(peer, "app", () => peer.metadata("app", { path_scope: "/v1" }));
    await person.run(["access", "login", "-q", `${url}/v1`]);
    const thief = await startPeer(context, { hosts: ["app"] });
    answerMetadata(peer, "app", () => thief.metadata("app"));
    // Outside the remembered scope, so that it is asked again.
    const target = `${url}/v2`;
    const refused = await person.run(["access", "curl", "-s", target]);
    assertFailed(refused, 125, "changed team domain");
    assert.match(
      refused.stderr,
      /now names login\.localhost:\d+ as its team domain.*access forget/,
    );
    assert.deepEqual(thief.requests, [], "the new one was not even asked for its keys");
    assert.equal((await person.run(["access", "forget", new URL(url).host])).status, 0);
    assert.equal(
      (await person.run(["access", "token", target])).status,
      3,
      "now it is another team, where nobody is signed in",
    );
  },
);

test("keys and tokens that lie in the working directory or in the home are ignored; every login has a fresh pair (C2)", async (context) => {
  const { peer, person, url } = await scene(context);
  const planted = generateTransferKeyPair();
  const secret = planted.privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const token = await peer.appToken("app", { email: "mallory@example.com" });
  const aud = peer.auds["app.localhost"];
  for (const directory of [
    person.directory,
    join(person.directory, ".cloudflared"),
    join(person.directory, "tokens"),
  ]) {
    mkdirSync(directory, { recursive: true });
    for (const name of ["app.localhost", "login.localhost", new URL(url).host]) {
      writeFileSync(join(directory, `${name}.pem`), secret);
      writeFileSync(join(directory, `${name}.pub`), encodeTransferKey(planted.publicKey));
      writeFileSync(join(directory, `${name}-${aud}-token`), token);
      writeFileSync(join(directory, `${name}-org-token`), token);
    }
  }
  assert.equal((await person.run(["access", "token", url])).status, 3);
  for (const profile of ["one", "two"]) {
    assert.match(
      (await person.run(["access", "login", "--profile", profile, url])).stderr,
      /Signed in as ada@/,
    );
  }
  const keys = person.opened().map((opened) => new URL(opened).searchParams.get("token") ?? "");
  assert.equal(new Set([...keys, encodeTransferKey(planted.publicKey)]).size, 3);
  const kept = files(person).map((name) => readFileSync(join(person.home, name), "utf8"));
  assert.ok(
    !kept.some((text) => /PRIVATE|mallory/.test(text) || keys.some((key) => text.includes(key))),
    "and no pair is kept",
  );
});

/** Answers the poll of a login itself. */
function answerPoll(peer: Peer, answer: (seen: Seen, response: ServerResponse) => void): void {
  peer.answer = (seen, response) => {
    if (!seen.url.startsWith("/transfer/")) return false;
    answer(seen, response);
    return true;
  };
}

test("a box that is too short, damaged or somebody else's is an error in one line, and nothing is stored (C3)", async (context) => {
  const { peer, person, url } = await scene(context);
  const from = generateTransferKeyPair();
  const key = encodeTransferKey(from.publicKey);
  const tokens = { app_token: await peer.appToken("app"), org_token: "" };
  const sealed = (seen: Seen, what: object = tokens, sender = from) =>
    sealTokens(
      what as typeof tokens,
      sender,
      decodeTransferKey(decodeURIComponent(seen.url.slice("/transfer/".length))),
    );
  const base64 = (length: number) => () => randomBytes(length).toString("base64");
  const boxes: [string, (seen: Seen) => string, string?][] = [
    ...[0, 1, 23, 24, 39, 40, 100].map((length): [string, (seen: Seen) => string] => [
      `${length} bytes`,
      base64(length),
    ]),
    ["no base64", () => "%%% <html>"],
    ["more than a box can be", base64(80_000)],
    [
      "another sender than it says",
      (seen) => sealed(seen),
      encodeTransferKey(generateTransferKeyPair().publicKey),
    ],
    ["a sender without a key", (seen) => sealed(seen), ""],
    [
      "a sender's key that makes every secret the same",
      (seen) => sealed(seen),
      encodeTransferKey(new Uint8Array(32)),
    ],
    [
      "a box for another terminal",
      () => sealTokens(tokens, from, generateTransferKeyPair().publicKey),
    ],
    [
      "one bit changed",
      (seen) => sealed(seen).replace(/.(?=.{8}$)/, (letter) => (letter === "A" ? "B" : "A")),
    ],
    ["no token in it", (seen) => sealed(seen, { app_token: "", org_token: "" })],
    [
      "a token that nobody signed",
      (seen) =>
        sealed(seen, { app_token: `${tokens.app_token.slice(0, -9)}AAAAAAAAA`, org_token: "" }),
    ],
  ];
  for (const [what, box, sender = key] of boxes) {
    answerPoll(peer, (seen, response) => {
      if (sender !== "") response.setHeader("service-public-key", sender);
      response.end(box(seen));
    });
    assertFailed(await person.run(["access", "login", url]), 5, what);
    assert.deepEqual(
      files(person).filter((name) => /^tokens|\.lock$/.test(name)),
      [],
      what,
    );
  }
  peer.answer = undefined;
  assert.equal((await person.run(["access", "login", url])).status, 0);
});

test("a mailbox has a name that nobody can guess, is asked on the team domain alone, and only until it is read (C4)", async (context) => {
  const { peer, person, url } = await scene(context);
  await person.run(["access", "login", "-q", "--profile", "one", url]);
  await person.run(["access", "login", "-q", "--profile", "two", url]);
  const polls = peer.requests.filter(
    (seen) => seen.method === "GET" && seen.url.startsWith("/transfer/"),
  );
  assert.equal(polls.length, 2);
  const keys = polls.map((seen) => decodeURIComponent(seen.url.slice("/transfer/".length)));
  assert.equal(new Set(keys).size, 2);
  for (const each of keys) assert.equal(decodeTransferKey(each).length, 32);
  for (const { host, headers } of polls) {
    assert.equal(host, new URL(peer.team).host);
    for (const name of ["origin", "cookie", "sec-fetch-site", "cf-access-token"])
      assert.equal(headers[name], undefined, name);
  }
  const elsewhere = await startPeer(context);
  answerMetadata(peer, "other", () =>
    peer.metadata("other", { transfer_url: `${elsewhere.team}/transfer/` }),
  );
  assertFailed(await person.run(["access", "login", peer.origin("other")]), 5, "a relay elsewhere");
  assert.deepEqual(elsewhere.requests, []);
});

test("whoever polls the same mailbox gets nothing out of it: the login ends for its owner, too (C4)", async (context) => {
  const { peer, person, url } = await scene(context);
  answerPoll(peer, (_, response) => json(response, 410, { error: "address" }));
  const login = await person.run(["access", "login", url]);
  assertFailed(login, 6, "another address");
  assert.equal(
    peer.requests.filter(({ method, url }) => method === "GET" && url.startsWith("/transfer/"))
      .length,
    1,
    "it is not tried again by itself",
  );
});

test("no command but those that are asked for it prints a token, wherever its output goes (C10)", async (context) => {
  const { peer, person, url } = await scene(context);
  const quiet = [
    ["login", url],
    ["login", "--debug", url],
    ["login", "-q", url],
    ["list"],
    ["list", "--json"],
    ["whoami", "--debug", url],
    ["doctor", "--debug", url],
    ["ssh-config", "--hostname", url],
    ["git", "setup"],
    ["put", "--debug", "printf", "%s", url],
  ];
  for (const args of [
    ...quiet,
    ["token", "--debug", "--format", "xml", url],
    ["logout", "--debug", url],
  ]) {
    const run = await person.run(["access", ...args]);
    assert.doesNotMatch(run.stdout + run.stderr, jws, args.join(" "));
  }
  const onTerminal = await person.runOnTerminal([
    "access",
    "login",
    "--debug",
    peer.origin("other"),
  ]);
  assert.match(onTerminal.stdout, /Signed in as/);
  assert.doesNotMatch(onTerminal.stdout, jws);
});

test("a page to sign in at that is no web page is refused, and nothing opens it (C16)", async (context) => {
  const { peer, person, url } = await scene(context);
  const schemes = [
    "file:///etc/passwd",
    "javascript:alert(1)",
    "vscode://open",
    "data:text/html,x",
    "ftp://login.localhost/",
    "//",
  ];
  for (const hostile of schemes) {
    for (const claim of ["auth_domain", "transfer_url"]) {
      answerMetadata(peer, "app", () => peer.metadata("app", { [claim]: hostile }));
      assertFailed(await person.run(["access", "login", url]), 5, `${claim} ${hostile}`);
    }
  }
  assert.deepEqual(person.opened(), []);
  peer.answer = undefined;
  await person.run(["access", "login", "-q", url]);
  for (const hostile of schemes.slice(0, -1)) {
    peer.answer = (seen, response) => {
      if (
        seen.host !== new URL(peer.origin("other")).host ||
        seen.headers["cf-access-metadata-request"] !== undefined
      )
        return false;
      end(response, 302, hostile);
      return true;
    };
    assertFailed(
      await person.run(["access", "token", peer.origin("other")]),
      5,
      `redirect to ${hostile}`,
    );
  }
  assert.equal(person.opened().length, 1);
  for (const opened of person.opened())
    assert.match(opened, /^http:\/\/app\.localhost:\d+\/cdn-cgi\/access\/cli\?/);
});
