// `/access/policy-tests` (access-api 3.7): policies that need not be in force anywhere are tried on
// everybody who has signed in, as they were then. A test goes on in small turns while requests are
// answered, one test after the other; what has come of it is in the store, so that every gateway
// tells.
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import { compilePolicies, type Verdict, verdictOn } from "../../analysis/judge-people.ts";
import type { Records } from "../../catalog/records.ts";
import { runInSlices, type Steps } from "../../catalog/steps.ts";
import { keyOf } from "../../config/config-objects.ts";
import { application, type StoredApplication } from "../../model/application.ts";
import type { Kind } from "../../model/kind.ts";
import type { Policy } from "../../model/model.ts";
import { policy } from "../../model/policy.ts";
import { isMap } from "../../model/read-value.ts";
import { stackOf } from "../../observe/events.ts";
import { randomUuid } from "../../random.ts";
import type { PolicyTestCounts, StoredPolicyTest } from "../../storage/admin-records.ts";
import type { StoredUser } from "../../storage/store.ts";
import type { AdminParts } from "../admin-parts.ts";
import { badPage, listed, readPage } from "../pages.ts";
import { type Answer, type Call, type Failure, fail, type Route, succeed } from "../route.ts";
import { judgeObject, withoutNulls, worldOf } from "./judge-object.ts";
import { readOwnPolicy } from "./policy-entries.ts";

const path = "/access/policy-tests";
const one = `${path}/:id`;
const mostPolicies = 100;
/** Tests that wait for others, at most. */
const mostWaiting = 10;
/** People that are read at once. */
const peoplePerTurn = 200;
/** A test that takes longer has ended with its gateway, milliseconds. */
const longestTest = 10 * 60_000;
/** How long a test can be asked about, milliseconds. */
const testLife = 24 * 60 * 60_000;

const body = z.looseObject({ policies: z.array(z.union([z.string(), z.looseObject({})])) });
const query = z.object({
  status: z.enum(["success", "fail", "error"]).optional(),
  page: z.string().optional(),
  per_page: z.string().optional(),
});

/** The routes of policy tests. */
export function policyTestRoutes(parts: AdminParts): Route[] {
  const tests = new PolicyTests(parts);
  const needs = {
    permission: "apps:read" as const,
    // A test tells what is known of people.
    alsoNeeds: ["population:read" as const],
  };
  return [
    {
      ...{ method: "POST", path, ...needs, body, status: 201 },
      summary: "Try policies on everybody who has signed in",
      handle: (call) => tests.create(call),
    },
    {
      ...{ method: "GET", path: one, ...needs },
      summary: "Read what has come of a policy test",
      handle: (call) => tests.read(call),
    },
    {
      ...{ method: "GET", path: `${one}/users`, ...needs, query },
      summary: "List people with what a policy test says of them",
      handle: (call) => tests.listUsers(call),
    },
  ];
}

class PolicyTests {
  readonly #parts: AdminParts;
  #waiting = 0;
  #lastTest: Promise<unknown> = Promise.resolve();

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  async create({ body: sent, token }: Call): Promise<Answer> {
    const { store, now, randomBytes, catalogs } = this.#parts;
    if (token.applications !== null) return fail("not_permitted");
    const reading = readPolicies(sent, catalogs.records(), this.#parts);
    if (!reading.ok) return reading;
    if (this.#waiting >= mostWaiting) return fail("too_busy");
    this.#waiting++;
    try {
      const { total } = await store.users.list({ limit: 1, offset: 0 });
      const createdAt = now();
      const test = {
        ...{ id: randomUuid(randomBytes), policies: JSON.stringify(reading.policies), total },
        ...{ approved: 0, blocked: 0, errored: 0, completed_at: null },
        ...{ created_at: createdAt, expires_at: createdAt + testLife },
      };
      await store.policyTests.add(test);
      this.#lastTest = this.#lastTest.then(() => this.#run(test));
      return succeed({ id: test.id, status: "success" }, 201);
    } catch (error) {
      this.#waiting--;
      throw error;
    }
  }

  async read({ params, token }: Call): Promise<Answer> {
    const test = await this.#find(params["id"], token);
    return test === undefined ? fail("not_found") : succeed(showTest(test, this.#parts.now()));
  }

  async listUsers({ params, query: asked, token }: Call): Promise<Answer> {
    const test = await this.#find(params["id"], token);
    if (test === undefined) return fail("not_found");
    const wanted = readPage(asked);
    if (wanted === undefined) return badPage();
    const reading = query.safeParse(Object.fromEntries(asked));
    if (!reading.success) return fail("bad_request", "status must be success, fail or error.");
    const { status } = reading.data;
    const judge = await this.#judgeOf(test);
    const { page, per_page: limit } = wanted;
    const offset = (page - 1) * limit;
    if (status === undefined) {
      const { items, total } = await this.#parts.store.users.list({ limit, offset });
      return listed(await runInSlices(showUsers(items, judge)), wanted, total);
    }

    // Who is of one verdict is found by judging everybody up to the end of the page.
    const shown: ShownUser[] = [];
    await this.#forEverybody(judge, (user) => {
      if (user.status === verdicts[status]) shown.push(user);
      return shown.length < offset + limit;
    });
    return listed(shown.slice(offset), wanted, countOf(test, status));
  }

  /** A narrow token sees no people. */
  async #find(id: string | undefined, { applications }: Call["token"]) {
    const test = await this.#parts.store.policyTests.find(id ?? "");
    const isThere = test !== undefined && test.expires_at > this.#parts.now();
    return isThere && applications === null ? test : undefined;
  }

  /** Never throws: who asks later is told that the test has come to no end. */
  async #run(test: StoredPolicyTest): Promise<void> {
    const { store, now, record } = this.#parts;
    const counts: PolicyTestCounts = { approved: 0, blocked: 0, errored: 0, completed_at: null };
    try {
      const judge = await this.#judgeOf(test);
      await this.#forEverybody(
        judge,
        ({ status }) => {
          counts[countNames[status]]++;
          return true;
        },
        () => store.policyTests.progress(test.id, counts),
      );
      await store.policyTests.progress(test.id, { ...counts, completed_at: now() });
    } catch (error) {
      const place = { ray: "", ip: "", method: "POST", path };
      record({ event: "admin_failed", ...place, error: stackOf(error) });
    } finally {
      this.#waiting--;
    }
  }

  /** @param look false where it has seen enough */
  async #forEverybody(
    judge: Judge,
    look: (user: ShownUser) => boolean,
    afterTurn: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    for (let last = ""; ; ) {
      const people = await this.#parts.store.users.after(last, peoplePerTurn);
      const shown = await runInSlices(showUsers(people, judge));
      if (!shown.every(look)) return;
      await afterTurn();
      const end = people.at(-1);
      if (end === undefined || people.length < peoplePerTurn) return;
      last = end.email;
      await nextTurn();
    }
  }

  /** Groups and lists are those of now. */
  async #judgeOf({ policies }: StoredPolicyTest): Promise<Judge> {
    const catalog = this.#parts.catalogs.current();
    const compiled = await runInSlices(compilePolicies(JSON.parse(policies), catalog));
    return ({ last_identity }) => verdictOn(last_identity, { policies: compiled }, catalog);
  }
}

type Judge = (user: StoredUser) => Verdict;

interface ShownUser {
  id: string;
  email: string;
  name: string;
  status: Verdict;
}

/** What clients ask for → what they are told. */
const verdicts = { success: "approved", fail: "blocked", error: "error" } as const;

const countNames = { approved: "approved", blocked: "blocked", error: "errored" } as const;

function* showUsers(people: readonly StoredUser[], judge: Judge): Steps<ShownUser[]> {
  const shown: ShownUser[] = [];
  for (const user of people) {
    const { id, email, name } = user;
    shown.push({ id, email, name: name ?? "", status: judge(user) });
    yield;
  }
  return shown;
}

function countOf(test: StoredPolicyTest, status: keyof typeof verdicts): number {
  return Number(test[countNames[verdicts[status]]]);
}

function showTest(test: StoredPolicyTest, now: number): object {
  const { id, created_at, completed_at } = test;
  const [approved = 0, blocked = 0, errored = 0, total = 0] = [
    ...[test.approved, test.blocked, test.errored, test.total],
  ].map(Number);
  const processed = approved + blocked + errored;
  const percent = (part: number, of: number) => (of === 0 ? 0 : Math.round((100 * part) / of));
  const isLost = completed_at === null && Number(created_at) + longestTest < now;
  const state = completed_at === null ? "processing" : "complete";
  return {
    id,
    status: isLost ? "exceeded time" : state,
    total_users: total,
    ...{ users_approved: approved, users_blocked: blocked, users_errored: errored },
    percent_approved: percent(approved, processed),
    percent_blocked: percent(blocked, processed),
    percent_errored: percent(errored, processed),
    percent_users_processed: completed_at === null ? percent(processed, total) : 100,
  };
}

type PolicyReading = { ok: true; policies: Policy[] } | Failure;

/** Policies that were sent: ids of those in force, and whole ones. */
function readPolicies(sent: unknown, records: Records, parts: AdminParts): PolicyReading {
  const entries = isMap(sent) ? sent["policies"] : undefined;
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > mostPolicies)
    return fail("invalid", `policies must be a list of 1 to ${mostPolicies}.`, "/policies");
  const world = worldOf(records, undefined, parts.config);
  const policies: Policy[] = [];
  for (const [index, entry] of entries.entries()) {
    const pointer = `/policies/${index}`;
    if (typeof entry === "string") {
      const known = findPolicy(entry, records);
      if (known === undefined)
        return fail("invalid", `policies[${index}] is not the id of a policy.`, pointer);
      policies.push(known);
      continue;
    }
    if (!isMap(entry)) return fail("invalid", `policies[${index}] is no policy.`, pointer);
    const { precedence: _, ...own } = readOwnPolicy(entry);
    const fields = withoutNulls({ ...own, id: `${index}` });
    const judgement = judgeObject(policy as Kind, fields, world);
    if (!judgement.ok) return below(judgement, index);
    policies.push(judgement.object as Policy);
  }
  return { ok: true, policies };
}

/** A reusable one, or one of an application's own. */
function findPolicy(id: string, records: Records): Policy | undefined {
  const reusable = records.get(keyOf(policy.name, id));
  if (reusable !== undefined) return reusable.object as Policy;
  for (const { kind, object } of records.values()) {
    if (kind !== application.name) continue;
    const { policies } = object as StoredApplication;
    const own = policies.find((entry) => entry.id === id && "decision" in entry);
    if (own !== undefined) return own as Policy;
  }
  return undefined;
}

/** The faults of one entry, as faults of the whole body. */
function below({ errors, ...failure }: Failure, index: number): Failure {
  return {
    ...failure,
    errors: errors.map(({ message, source, ...error }) => ({
      ...error,
      message: source?.pointer ? `policies[${index}].${message}` : message,
      source: { pointer: `/policies/${index}${source?.pointer ?? ""}` },
    })),
  };
}
