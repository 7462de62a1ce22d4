// The five routes of a kind of object: list, create, read, replace, delete. A write is judged
// against what is stored by then, and is in force with its answer; objects of the file are for the
// file to change.
import { isDeepStrictEqual } from "node:util";
import type { ObjectEdit } from "../../catalog/changing-catalog.ts";
import { keyOfObject, objectKeyOf, type Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import type { ObjectKind } from "../../model/kinds.ts";
import { isMap } from "../../model/read-value.ts";
import { randomUuid } from "../../random.ts";
import type { StoredAuditEntry } from "../../storage/admin-records.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type AuditedChange, auditEntry, recordChange } from "../audit.ts";
import { pageOf } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { judgeObject, refuseInUse, withoutNulls, worldOf } from "./judge-object.ts";
import { type ObjectResource, sees, showObject } from "./object-resource.ts";

/** The routes of a resource. */
export function objectRoutes(resource: ObjectResource, parts: AdminParts): Route[] {
  const objects = new ObjectEndpoint(resource, parts);
  const { kind, path, area, deleted } = resource;
  const one = `${path}/:id`;
  const read = `${area}:read` as const;
  const write = `${area}:write` as const;
  const body = kind.fields;
  const { noun } = kind;
  return [
    {
      ...{ method: "GET", path, permission: read },
      summary: `List ${noun}s`,
      handle: (call) => objects.list(call),
    },
    {
      ...{ method: "POST", path, permission: write, body, status: 201 },
      summary: `Create a new ${noun}`,
      handle: (call) => objects.create(call),
    },
    {
      ...{ method: "GET", path: one, permission: read },
      summary: `Read one ${noun}`,
      handle: (call) => objects.read(call),
    },
    {
      ...{ method: "PUT", path: one, permission: write, body },
      summary: `Replace one ${noun}`,
      handle: (call) => objects.replace(call),
    },
    {
      ...{ method: "DELETE", path: one, permission: write, status: deleted },
      summary: `Delete one ${noun}`,
      handle: (call) => objects.remove(call),
    },
  ];
}

/** What a write comes to: the change, or nothing and why. */
type Proposal = Omit<ObjectEdit<Answer>, "audit"> & { change?: AuditedChange };

class ObjectEndpoint {
  readonly #resource: ObjectResource;
  readonly #parts: AdminParts;

  constructor(resource: ObjectResource, parts: AdminParts) {
    this.#resource = resource;
    this.#parts = parts;
  }

  list({ query, token }: Call): Answer {
    const records = this.#parts.catalogs.records();
    const isWanted = this.#filterOf(query);
    const wanted = [...records.values()]
      .filter((record) => record.kind === this.#resource.kind.name)
      .filter((record) => sees(this.#resource, token, record, records))
      .filter((record) => isWanted?.(this.#show(record, records)) ?? true)
      .toSorted(inOrderOfMaking);
    return pageOf(wanted, query, (record) => this.#show(record, records));
  }

  read({ params, token }: Call): Answer {
    const records = this.#parts.catalogs.records();
    const record = this.#find(params["id"], token, records);
    return record === undefined ? fail("not_found") : succeed(this.#show(record, records));
  }

  create(call: Call): Promise<Answer> {
    const { now, randomBytes } = this.#parts;
    return this.#edit(call, (records) => {
      if (call.token.applications !== null) return refused(fail("not_permitted"));
      const id = randomUuid(randomBytes);
      return this.#put(call, records, { id, createdAt: now() }, 201);
    });
  }

  replace(call: Call): Promise<Answer> {
    return this.#edit(call, (records) => {
      const standing = this.#find(call.params["id"], call.token, records);
      if (standing === undefined) return refused(fail("not_found"));
      const { managedBy, createdAt, object } = standing;
      if (managedBy === "file") return refused(fail("managed_by_file"));
      return this.#put(call, records, { id: object.id, createdAt, standing }, 200);
    });
  }

  remove(call: Call): Promise<Answer> {
    return this.#edit(call, (records) => {
      const standing = this.#find(call.params["id"], call.token, records);
      if (standing === undefined) return refused(fail("not_found"));
      if (standing.managedBy === "file") return refused(fail("managed_by_file"));
      const inUse = refuseInUse(standing, records);
      if (inUse !== undefined) return refused(inUse);
      const { kind, object } = standing;
      const { id, name } = object;
      const before = this.#show(standing, records);
      const { deleted } = this.#resource;
      return {
        put: [],
        remove: [objectKeyOf(standing)],
        result: succeed(deleted === 202 ? { id } : before, deleted),
        change: { action: "deleted", kind, id, name, before },
      };
    });
  }

  /** Judges what was sent, and puts it into force. */
  #put(
    call: Call,
    records: Records,
    place: { id: string; createdAt: number; standing?: ObjectRecord },
    status: number,
  ): Proposal {
    // 1. What was written, without what only we write.
    const { kind, prepare, readOnly } = this.#resource;
    const { id, createdAt, standing } = place;
    if (!isMap(call.body)) return refused(fail("bad_request", "The body must be a JSON object."));
    const own = Object.entries(call.body).filter(([field]) => !readOnly.includes(field));
    const written = prepare?.(Object.fromEntries(own), standing?.object) ?? Object.fromEntries(own);
    const fields = { ...(withoutNulls(written) as object), id };

    // 2. Whether it may be.
    const key = keyOf(kind.name, id);
    const judgement = judgeObject(kind, fields, worldOf(records, key, this.#parts.config));
    if (!judgement.ok) return refused(judgement);
    const { object, messages } = judgement;

    // 3. What it becomes. What changes nothing is not written.
    const isSame = standing !== undefined && isDeepStrictEqual(standing.object, object);
    const updatedAt = isSame ? standing.updatedAt : this.#parts.now();
    const record: ObjectRecord = {
      kind: kind.name as ObjectKind,
      object,
      managedBy: "api",
      createdAt,
      updatedAt,
    };
    const after = this.#show(record, new Map(records).set(keyOfObject(record), record));
    const result = { ...succeed(after, status), messages };
    if (isSame) return { put: [], remove: [], result };
    const before = standing && this.#show(standing, records);
    const action = standing === undefined ? "created" : "updated";
    const { name } = object;
    return {
      put: [record],
      remove: [],
      result,
      change: { action, kind: kind.name, id, name, before, after },
    };
  }

  /** Lets a change be made of what is stored, and writes it down with it. */
  async #edit(call: Call, propose: (records: Records) => Proposal): Promise<Answer> {
    let entry: StoredAuditEntry | undefined;
    const answer = await this.#parts.edit((records) => {
      const { change, ...edit } = propose(records);
      entry = change && auditEntry(call, change, this.#parts);
      return { ...edit, audit: entry === undefined ? [] : [entry] };
    });
    if (entry !== undefined) recordChange(entry, this.#parts);
    return answer;
  }

  #find(id: string | undefined, token: Call["token"], records: Records): ObjectRecord | undefined {
    const record = records.get(keyOf(this.#resource.kind.name, id ?? ""));
    if (record === undefined) return undefined;
    return sees(this.#resource, token, record, records) ? record : undefined;
  }

  #show(record: ObjectRecord, records: Records): Record<string, unknown> {
    return showObject(this.#resource, record, records);
  }

  /** What a query asks for; undefined where it asks for everything. */
  #filterOf(query: URLSearchParams): ((shown: Record<string, unknown>) => boolean) | undefined {
    const isExact = query.get("exact") === "true";
    const filters = Object.entries(this.#resource.filters).flatMap(([name, filter]) => {
      const value = query.get(name);
      return value === null || value === "" ? [] : [{ filter, value }];
    });
    if (filters.length === 0) return undefined;
    return (shown) => filters.every(({ filter, value }) => filter(shown, value, isExact));
  }
}

function refused(result: Answer): Proposal {
  return { put: [], remove: [], result };
}

function inOrderOfMaking(a: ObjectRecord, b: ObjectRecord): number {
  return a.createdAt - b.createdAt || (a.object.id < b.object.id ? -1 : 1);
}
