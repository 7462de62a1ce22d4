// The policies of one application, one by one (access-api 2.2). Each write is one of the
// application: its other policies, and how they stand to each other, are judged with it. Reusable
// ones are listed, and taken out of the application, here; they are changed where they stand.
import type { Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import { application, type StoredApplication } from "../../model/application.ts";
import type { Kind } from "../../model/kind.ts";
import { inlinePolicy } from "../../model/policy.ts";
import { isMap } from "../../model/read-value.ts";
import { randomUuid } from "../../random.ts";
import type { AdminParts } from "../admin-parts.ts";
import { pageOf } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { applicationsOf } from "./applications.ts";
import { labelFor } from "./judge-object.ts";
import { refuseReach, sees, showObject } from "./object-resource.ts";
import { readOwnPolicy, showEntries } from "./policy-entries.ts";
import {
  type Proposal,
  proposeObject,
  refused,
  refuseUnchangeable,
  writeObjects,
} from "./write-object.ts";

const path = "/access/apps/:app_id/policies";

/** The routes. */
export function applicationPolicyRoutes(parts: AdminParts): Route[] {
  const endpoint = new ApplicationPolicies(parts);
  const one = `${path}/:policy_id`;
  const body = inlinePolicy;
  return [
    {
      ...{ method: "GET", path, permission: "apps:read" },
      summary: "List the policies of an application",
      handle: (call) => endpoint.list(call),
    },
    {
      ...{ method: "POST", path, permission: "apps:write", body, status: 201 },
      summary: "Add a policy to an application",
      handle: (call) => endpoint.create(call),
    },
    {
      ...{ method: "GET", path: one, permission: "apps:read" },
      summary: "Read one policy of an application",
      handle: (call) => endpoint.read(call),
    },
    {
      ...{ method: "PUT", path: one, permission: "apps:write", body },
      summary: "Replace one policy of an application",
      handle: (call) => endpoint.replace(call),
    },
    {
      ...{ method: "DELETE", path: one, permission: "apps:write", status: 202 },
      summary: "Take one policy out of an application",
      handle: (call) => endpoint.remove(call),
    },
  ];
}

/** The entries of an application, as its schema reads them. */
type Entries = Record<string, unknown>[];

class ApplicationPolicies {
  readonly #parts: AdminParts;
  readonly #resource: ReturnType<typeof applicationsOf>;

  constructor(parts: AdminParts) {
    this.#parts = parts;
    this.#resource = applicationsOf(parts);
  }

  list(call: Call): Answer {
    const records = this.#parts.catalogs.records();
    const owner = this.#find(call, records);
    if (owner === undefined) return fail("not_found");
    return pageOf(showEntries(owner, records), call.query, (entry) => entry);
  }

  read(call: Call): Answer {
    const records = this.#parts.catalogs.records();
    const owner = this.#find(call, records);
    const shown = owner && entryOf(showEntries(owner, records), call.params["policy_id"]);
    return shown === undefined ? fail("not_found") : succeed(shown);
  }

  create(call: Call): Promise<Answer> {
    return this.#change(call, 201, (entries) => {
      if (!isMap(call.body)) return fail("bad_request", "The body must be a JSON object.");
      const id = randomUuid(this.#parts.randomBytes);
      const precedence = call.body["precedence"] ?? nextPrecedence(entries);
      return { id, entries: [...entries, { ...readOwnPolicy(call.body), id, precedence }] };
    });
  }

  replace(call: Call): Promise<Answer> {
    const id = call.params["policy_id"] ?? "";
    return this.#change(call, 200, (entries) => {
      if (!isMap(call.body)) return fail("bad_request", "The body must be a JSON object.");
      const standing = entryOf(entries, id);
      if (standing === undefined) return fail("not_found");
      if (!("decision" in standing))
        return fail("invalid", "The policy is reusable; change it at /access/policies.");
      const precedence = call.body["precedence"] ?? standing["precedence"];
      const changed = { ...readOwnPolicy(call.body), id, precedence };
      return { id, entries: entries.map((entry) => (entry === standing ? changed : entry)) };
    });
  }

  remove(call: Call): Promise<Answer> {
    const id = call.params["policy_id"] ?? "";
    return this.#change(call, 202, (entries) => {
      if (entryOf(entries, id) === undefined) return fail("not_found");
      return { id, entries: entries.filter((entry) => entry["id"] !== id) };
    });
  }

  /** @param make the list as it is to be, or why there is none */
  #change(
    call: Call,
    status: number,
    make: (entries: Entries) => Answer | { id: string; entries: Entries },
  ): Promise<Answer> {
    return writeObjects(call, this.#parts, (records) => {
      const owner = this.#find(call, records);
      if (owner === undefined) return refused(fail("not_found"));
      const refusal = refuseUnchangeable(owner);
      if (refusal !== undefined) return refused(refusal);
      const { id: _, ...fields } = application.toInput(owner.object as StoredApplication);
      const changed = make(fields["policies"] as Entries);
      if ("ok" in changed) return refused(changed);
      return this.#propose(call, owner, records, { ...changed, fields, status });
    });
  }

  #propose(
    { token }: Call,
    owner: ObjectRecord,
    records: Records,
    change: { id: string; entries: Entries; fields: Record<string, unknown>; status: number },
  ): Proposal {
    const { id, entries, fields, status } = change;
    const written = {
      kind: application as unknown as Kind,
      id: owner.object.id,
      standing: owner,
      label: labelFor(token),
      fields: { ...fields, policies: entries },
      show: (record: ObjectRecord, among: Records) => showObject(this.#resource, record, among),
    };
    const proposal = proposeObject(written, records, this.#parts, status);
    if (!proposal.result.ok) return proposal;
    const refusal = refuseReach(this.#resource, token, [owner, proposal.put[0]], records);
    if (refusal !== undefined) return refused(refusal);
    const [record = owner] = proposal.put;
    const shown = entryOf(showEntries(record, records), id);
    return { ...proposal, result: { ...proposal.result, result: shown ?? { id } } };
  }

  #find({ params, token }: Call, records: Records): ObjectRecord | undefined {
    const record = records.get(keyOf(application.name, params["app_id"] ?? ""));
    if (record === undefined) return undefined;
    return sees(this.#resource, token, record, records) ? record : undefined;
  }
}

function entryOf(entries: Entries, id: string | undefined): Record<string, unknown> | undefined {
  return entries.find((entry) => entry["id"] === id);
}

function nextPrecedence(entries: Entries): number {
  return 1 + Math.max(0, ...entries.map(({ precedence }) => Number(precedence)));
}
