// Runs the tests of a file against what the same file says. The answers are those of the evaluator;
// a test that leaves out what they depend on has none.
import { type CompiledPattern, compareSpecificity, compilePattern } from "@postern/protocol";
import { z } from "zod";
import { defined } from "../defined.ts";
import type { StoredApplication } from "../model/application.ts";
import type { CompiledPolicy, Policy } from "../model/model.ts";
import { type Report, reportBelow } from "../model/problem.ts";
import { publicPathPolicy } from "../model/public-path-policy.ts";
import { itemsOf, readValue } from "../model/read-value.ts";
import { readPath } from "../path-readings.ts";
import { providerGroups } from "../policy/allowed-providers.ts";
import { explain } from "../policy/explain.ts";
import type { ClaimValues, Facts } from "../policy/facts.ts";
import { ObjectNames } from "../policy/object-names.ts";
import { PolicyCompiler } from "../policy/policy-compiler.ts";
import { policyInForce } from "../policy/policy-in-force.ts";
import { outcomeOf, whyText } from "../policy/reason-text.ts";
import { commonTraits, ReadPattern } from "../read-pattern.ts";
import { type AccessTest, accessTest } from "./access-test.ts";
import type { ConfiguredObjects } from "./read-objects.ts";

const list = z.object({ tests: z.array(z.unknown()).default([]) });

/**
 * Reports each test that fails, and each that is none.
 * @param fields of the file
 * @param objects undefined: the file has other mistakes, and no test is run
 */
export function runAccessTests(
  fields: Readonly<Record<string, unknown>>,
  objects: ConfiguredObjects | undefined,
  report: Report,
): void {
  if (readValue(list, { tests: fields["tests"] }, report) === undefined) return;
  const tests = itemsOf(fields, "tests");
  if (tests.length === 0) return;
  const runner = objects && new TestRunner(objects);
  tests.forEach((each, index) => {
    const reportOfTest = reportBelow(report, ["tests", index]);
    const test = readValue(accessTest, each, reportOfTest);
    if (test !== undefined) runner?.run(test, reportOfTest);
  });
}

interface Pattern {
  pattern: CompiledPattern;
  application: StoredApplication;
}

/** What a test is about, once its names have led to objects. */
interface Asked extends Found {
  facts: Facts;
}

interface Found {
  application: StoredApplication;
  /** the path pattern of it that makes what is asked for public */
  publicPath?: string | undefined;
}

class TestRunner {
  readonly #objects: ConfiguredObjects;
  readonly #compiler: PolicyCompiler;
  readonly #patterns: readonly Pattern[];
  readonly #names: ObjectNames;

  constructor(objects: ConfiguredObjects) {
    this.#objects = objects;
    const { lists } = objects;
    const applications = objects.applications as StoredApplication[];
    const groups = [...objects.groups, ...providerGroups(applications)];
    this.#names = new ObjectNames()
      .add("application", objects.applications)
      .add("group", groups)
      .add("list", lists)
      .add("identity_provider", objects.identity_providers)
      .add("service_token", objects.service_tokens);
    this.#compiler = new PolicyCompiler({ groups: byId(groups), lists: byId(lists) });
    this.#patterns = applications
      .flatMap((application) =>
        application.domains.map((domain) => ({ pattern: compilePattern(domain), application })),
      )
      .sort((one, other) => compareSpecificity(one.pattern, other.pattern));
  }

  run(test: AccessTest, report: Report): void {
    const asked = this.#read(test, report);
    if (asked === undefined) return;
    const explanation = explain(this.#policiesOf(asked), asked.facts);
    const outcome = outcomeOf(explanation);
    if (outcome !== test.expect) {
      const expected = `expects ${test.expect}, and the answer is ${outcome}`;
      report.problem(["expect"], `${expected}: ${whyText(explanation, this.#names)}`);
      return;
    }
    const decider = explanation.policies.find(({ effect }) => effect === "decides");
    const { policy } = test;
    if (policy === undefined || policy === decider?.name || policy === decider?.id) return;
    const answer = decider === undefined ? "none decides" : `"${decider.name}" decides`;
    report.problem(["policy"], `expects the policy "${policy}" to decide, and ${answer}`);
  }

  #read(test: AccessTest, report: Report): Asked | undefined {
    const found = this.#applicationOf(test, report);
    const serviceToken = this.#idOf("service_tokens", "service_token", test, report);
    const provider = this.#idOf("identity_providers", "login_method", test, report);
    if (found === undefined || serviceToken === null || provider === null) return undefined;
    const facts = defined({
      ...factsIn(test),
      service_token: serviceToken,
      login_method: provider,
    });
    return { ...found, facts };
  }

  /** The application that a test names, or that its URL belongs to. */
  #applicationOf({ application, url }: AccessTest, report: Report): Found | undefined {
    if ((application === undefined) === (url === undefined)) {
      report.problem([], "must have either url or application, to say what is asked for");
      return undefined;
    }
    const all = this.#objects.applications as StoredApplication[];
    const found =
      application === undefined
        ? this.#match(url ?? "")
        : all
            .filter(({ id, name }) => id === application || name === application)
            .map((each): Found => ({ application: each }))[0];
    if (found === undefined)
      report.problem(
        [url === undefined ? "application" : "url"],
        "is no application of this file; correct it, or add the application",
      );
    return found;
  }

  #match(url: string): Found | undefined {
    const slash = url.indexOf("/");
    const [host, path] = [url.slice(0, slash), url.slice(slash)];
    const found = this.#patterns.find(
      ({ pattern }) => pattern.matchesHost(host) && pattern.matchesPath(path),
    );
    if (found === undefined) return undefined;
    const { application, pattern } = found;
    const publicPaths = application.public_paths?.[pattern.text] ?? [];
    return { application, publicPath: publicPaths.find((each) => isOnlyReadAs(each, path)) };
  }

  /** @returns null for a name that leads nowhere, which is reported */
  #idOf(
    section: "service_tokens" | "identity_providers",
    field: "service_token" | "login_method",
    test: AccessTest,
    report: Report,
  ): string | null | undefined {
    const word = test[field];
    if (word === undefined) return undefined;
    const objects: readonly { id: string; name: string }[] = this.#objects[section];
    const found = objects.find(({ id, name }) => id === word || name === word);
    if (found !== undefined) return found.id;
    report.problem([field], `is not in the ${section} of this file; correct the name`, word);
    return null;
  }

  #policiesOf({ application, publicPath }: Found): CompiledPolicy[] {
    if (publicPath !== undefined)
      return [this.#compiler.compile(publicPathPolicy(application, publicPath))];
    const { policies } = application;
    const reusable = new Map(this.#objects.policies.map((policy) => [policy.id, policy]));
    return policies.flatMap((entry) => {
      const policy: Policy | undefined = "decision" in entry ? entry : reusable.get(entry.id);
      if (policy === undefined) return [];
      return [this.#compiler.compile(policyInForce(policy, application))];
    });
  }
}

/** Whether every origin reads the path as one that the pattern covers (ADR 0013). */
function isOnlyReadAs(publicPath: string, path: string): boolean {
  const pattern = new ReadPattern(publicPath, { isExact: true });
  for (const { reading, text } of readPath(path, commonTraits(path, [pattern])))
    if (!pattern.under(reading).covers(text)) return false;
  return true;
}

function byId<Each extends { id: string }>(objects: readonly Each[]): ReadonlyMap<string, Each> {
  return new Map(objects.map((each) => [each.id, each]));
}

/** What a test says of who asks, by itself. */
function factsIn(test: AccessTest): Facts {
  const { email, ip, country, auth_methods } = test;
  return defined({
    kind: kindOf(test),
    email,
    ip,
    country,
    auth_methods,
    claims: claimsIn(test),
    request: requestIn(test),
  });
}

function kindOf(test: AccessTest): Facts["kind"] {
  if (test.service_token !== undefined) return "service";
  const fields = ["email", "login_method", "auth_methods", "claims", "groups"] as const;
  return fields.some((field) => test[field] !== undefined) ? "person" : "anonymous";
}

function claimsIn({ claims = {}, groups }: AccessTest): Record<string, ClaimValues> | undefined {
  const entries = Object.entries(claims).map(([name, value]) => [name, textsOf(value)] as const);
  if (groups !== undefined) entries.push(["groups", groups]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function textsOf(value: string | number | boolean | string[]): string[] {
  return [value].flat().map(String);
}

/** `GET` where a test says nothing of the method, since a URL is most often opened. */
function requestIn({ url, path, method }: AccessTest): Facts["request"] {
  if (url === undefined && path === undefined && method === undefined) return undefined;
  const own = path ?? (url === undefined ? "/" : url.slice(url.indexOf("/")));
  return { method: method ?? "GET", path: own };
}
