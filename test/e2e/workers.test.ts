// Two workers of one gateway, as people and programs see them: whoever they come to, it is one
// gateway. What one has counted, ended or given away, the other has as well.
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, type TestContext, test } from "node:test";
import { encodeTransferKey, generateTransferKeyPair } from "@postern/protocol";
import { headingOf } from "../../packages/gateway/test/login/person.ts";
import { runPostern } from "../support/cli.ts";
import { until } from "../support/until.ts";
import { type Answer, said } from "./gateway-process-fixture.ts";
import {
  appHost,
  type Lane,
  loginHost,
  openHost,
  sectionsOf,
  startWorkers,
  type Workers,
} from "./workers-fixture.ts";

/** What needs no gateway of its own shares this one. */
const shared = await startWorkers({ after } as TestContext);

const json = { accept: "application/json" };

/** The token that a person's browser has for the application. */
function tokenOf(person: Awaited<ReturnType<Workers["signIn"]>>): Record<string, string> {
  const token = person.cookiesOf(appHost).get("CF_Authorization") ?? "";
  return { ...json, "cf-access-token": token };
}

test("each step of a sign-in at another worker leads to the application, and both let the person in", async () => {
  const { signIn, lanes, lines, upstream } = shared;
  const person = await signIn();
  upstream.reset();
  for (const lane of lanes)
    assert.equal((await lane.ask("/", appHost, tokenOf(person))).status, 200, `${lane.worker}`);
  assert.equal(upstream.requests.length, 2);
  await until(() => lines().filter(({ event }) => event === "request_passed").length >= 2);
  const workers = new Set(lines().map(({ worker }) => worker));
  assert.deepEqual([...workers].sort(), [1, 2, undefined]);
});

test("a session that ends at one worker opens nothing at the other, and the origin sees nothing", async () => {
  const { signIn, lanes, url, personAt, upstream } = shared;
  for (const [here, there] of [lanes, lanes.toReversed()] as [Lane, Lane][]) {
    const person = await signIn(`${here.worker}@example.com`);
    const headers = tokenOf(person);
    for (const lane of lanes) assert.equal((await lane.ask("/", appHost, headers)).status, 200);
    const answer = await personAt(here, person).open(`${url(loginHost)}/cdn-cgi/access/logout`);
    assert.equal(answer.status, 200, answer.text);
    await until(async () => (await there.ask("/", appHost, headers)).status === 401);
    upstream.reset();
    for (const lane of lanes) assert.equal((await lane.ask("/", appHost, headers)).status, 401);
    assert.equal(upstream.requests.length, 0);
  }
});

test("a changed file is in force at both workers when the log says so, its application and its route together", async (context) => {
  const { operator, running, lanes, upstream, mail } = await startWorkers(context);
  const before = sectionsOf(upstream, mail);
  const hosts = ["one.localhost", "two.localhost", "three.localhost"];
  for (const [index, host] of hosts.entries()) {
    const known = hosts.slice(0, index + 1);
    const open = (name: string) => ({
      name,
      domain: name,
      policies: [{ name: "anybody", decision: "bypass", include: [{ everyone: {} }] }],
    });
    operator.replace({
      auth_domain: `${loginHost}:${operator.port}`,
      applications: [...(before["applications"] as object[]), ...known.map(open)],
      // What is served by another version's route is told by its status.
      ingress: [
        ...known.map((name) => ({ hostname: name, service: upstream.origin })),
        { service: "http_status:418" },
      ],
    });
    const seen = new Set<number>();
    let isOver = false;
    const watching = lanes.map(async (lane) => {
      while (!isOver) seen.add((await lane.ask("/", host)).status);
    });
    await said(running, "the changed configuration is in effect", index + 1);
    for (const lane of lanes) assert.equal((await lane.ask("/", host)).status, 200);
    isOver = true;
    await Promise.all(watching);
    assert.ok(!seen.has(418), "its application without its route");
  }
});

interface Terminal {
  path: string;
  /** of the page that its person opens */
  page: string;
}

async function aTerminal({ url, lanes: [lane] }: Workers): Promise<Terminal> {
  const key = encodeTransferKey(generateTransferKeyPair().publicKey);
  const { headers } = await lane.ask("/", appHost, json);
  const aud = String(headers["cf-access-aud"]);
  const query = new URLSearchParams({
    aud,
    edge_token_transfer: "true",
    send_org_token: "true",
    token: key,
  });
  query.set("redirect_url", `${url(appHost)}/?${new URLSearchParams({ aud, token: key })}`);
  return { path: `/transfer/${key}`, page: `${url(appHost)}/cdn-cgi/access/cli?${query}` };
}

const program = { "user-agent": "postern/0.1.0 (linux; x64)" };

test("a terminal that polls one worker is approved at the other, and has its tokens at once", async () => {
  const workers = shared;
  const { signIn, personAt, running } = workers;
  for (const [index, [here, there]] of [workers.lanes, workers.lanes.toReversed()].entries()) {
    const terminal = await aTerminal(workers);
    const person = personAt(there as Lane, await signIn());
    const polled = (here as Lane).ask(terminal.path, `${loginHost}`, program);
    await until(async () => (await person.open(terminal.page)).text.includes("Approve"));
    await person.press("Approve");
    assert.equal(person.heading(), "You are signed in", person.page.text);
    const { status, text } = await polled;
    assert.deepEqual([status, text.length > 100], [200, true]);
    const approved = await said(running, "a terminal was approved", index + 1);
    assert.equal(approved["worker"], there?.worker);
  }
});

test("a terminal that polls the workers in turn is on the line, whichever it has left", async () => {
  const workers = shared;
  const { lanes, laneTo, signIn, personAt, operator } = workers;
  const terminal = await aTerminal(workers);
  const person = await signIn();
  const isSeenAt = (lane: Lane) => personSees(personAt(lane, person), terminal);
  const poll = async (worker: number) => {
    const lane = await laneTo(worker);
    void lane.ask(terminal.path, loginHost, program).catch(() => undefined);
    return lane;
  };
  const store = new DatabaseSync(join(operator.folder, "data/postern.db"), { readOnly: true });
  const leases = store.prepare("select max(held_until) as lease from transfers");
  let held = await poll(1);
  await until(() => isSeenAt(lanes[1]));
  for (const worker of [2, 1]) {
    const earlier = leases.get()?.["lease"];
    const next = await poll(worker);
    held.agent.destroy();
    // The one that it has left takes back what it had said of it, and the other says so itself.
    await until(() => ![0, null, earlier].includes(leases.get()?.["lease"] as number | null));
    for (const lane of lanes) await until(() => isSeenAt(lane));
    held = next;
  }
  held.agent.destroy();
  store.close();
});

async function personSees(
  person: ReturnType<Workers["personAt"]>,
  { page }: Terminal,
): Promise<boolean> {
  return headingOf(await person.open(page)) === "Approve sign-in from a terminal";
}

test("tries of a PIN are counted over both workers: after five wrong ones the right one is refused", async () => {
  const { person, url, mail } = shared;
  const stranger = person();
  await stranger.open(`${url(appHost)}/`);
  await stranger.press("Send me a code", { email: "ada@example.com" });
  const code = /\d{6}/.exec((await mail.next("ada@example.com")).text)?.[0] ?? "";
  const wrong = code === "111111" ? "222222" : "111111";
  for (const left of [4, 3, 2, 1]) {
    await stranger.press("Sign in", { code: wrong });
    assert.match(stranger.page.text, new RegExp(`You have ${left} tr`));
  }
  await stranger.press("Sign in", { code: wrong });
  const [form] = stranger.history
    .filter(({ text }) => text.includes("You have 1 try left"))
    .slice(-1);
  assert.ok(form !== undefined);
  stranger.page = form;
  await stranger.press("Sign in", { code });
  assert.notEqual(stranger.page.status, 200);
});

test("codes asked for by one network are counted over both workers", async (context) => {
  const { person, url, mail } = await startWorkers(context);
  let asked = 0;
  for (; asked < 30; asked++) {
    const stranger = person();
    await stranger.open(`${url(appHost)}/`);
    await stranger.press("Send me a code", { email: `nobody${asked}@example.com` });
    if (stranger.page.status === 429) break;
  }
  assert.equal(asked, 20);
  await until(() => mail.messages.length === 20);
});

test("mailboxes of one network are counted over both workers, and the page says so at either", async (context) => {
  const workers = await startWorkers(context, { limits: { terminal_logins: 3 } });
  const { lanes, laneTo, signIn, personAt } = workers;
  const person = await signIn();
  for (const worker of [1, 2, 1]) {
    const terminal = await aTerminal(workers);
    const lane = await laneTo(worker);
    void lane.ask(terminal.path, loginHost, program).catch(() => undefined);
    await until(() => personSees(personAt(lanes[0], person), terminal));
    lane.agent.destroy();
  }
  for (const [here, there] of [lanes, lanes.toReversed()] as [Lane, Lane][]) {
    const terminal = await aTerminal(workers);
    const { status, text } = await here.ask(terminal.path, loginHost, program);
    assert.deepEqual([status, JSON.parse(text).error], [429, "too_many_logins"]);
    const page = await personAt(there, person).open(terminal.page);
    assert.match(page.text, /Too many terminals/i);
  }
});

test("of a hand-over that comes twenty times at once, over both workers, one is good", async () => {
  const { signIn, lanes, url } = shared;
  const person = await signIn();
  // A browser with a session at the team domain alone: the next hand-over is ready.
  person.cookiesOf(appHost).delete("CF_Authorization");
  const first = await person.ask(`${url(appHost)}/`);
  const second = await person.ask(first.location ?? "");
  const handOver = second.location ?? "";
  assert.match(handOver, /\/cdn-cgi\/access\/authorized\?/);
  const cookie = [...person.cookiesOf(appHost)]
    .map(([name, value]) => `${name}=${value}`)
    .join("; ");
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      fetchOnce(lanes[index % 2 === 0 ? 0 : 1], handOver, cookie),
    ),
  );
  const good = answers.filter(({ headers }) =>
    (headers["set-cookie"] ?? []).some((line) => /^CF_Authorization=ey/.test(line)),
  );
  assert.equal(good.length, 1);
});

function fetchOnce(lane: Lane, url: string, cookie: string): Promise<Answer> {
  const { pathname, search } = new URL(url);
  const browser = {
    accept: "text/html",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
  };
  return lane.ask(`${pathname}${search}`, appHost, {
    ...browser,
    "sec-fetch-site": "cross-site",
    cookie,
  });
}

test("a key that begins to sign is published by both workers, whose tokens each other take", async () => {
  const { operator, lanes, signIn } = shared;
  const before = await signIn("before@example.com");
  const rotated = await runPostern(["keys", "rotate", "--config", operator.file], {});
  assert.equal(rotated.status, 0, rotated.stderr);
  const signing = async (lane: Lane) => {
    const { text } = await lane.ask("/cdn-cgi/access/certs", loginHost);
    return JSON.parse(text).public_cert.kid as string;
  };
  const kids = () => Promise.all(lanes.map(signing));
  await until(async () => {
    const [one = "", two] = await kids();
    return one === two && rotated.stdout.includes(one);
  });
  const after = await signIn("after@example.com");
  for (const person of [before, after])
    for (const lane of lanes)
      assert.equal((await lane.ask("/", appHost, tokenOf(person))).status, 200);
});

test("an open application is served by both workers without waiting for the keeper", async () => {
  const { lanes, upstream } = shared;
  upstream.reset();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, index) => lanes[index % 2 === 0 ? 0 : 1].ask("/", openHost)),
  );
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(upstream.requests.length, 100);
});
