// The five routes of a kind of object: list, create, read, replace, delete.
import type { Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import { isMap } from "../../model/read-value.ts";
import { randomUuid } from "../../random.ts";
import type { AdminParts } from "../admin-parts.ts";
import { pageOf } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { labelFor } from "./judge-object.ts";
import {
  type ObjectResource,
  ownFields,
  refuseReach,
  sees,
  showObject,
} from "./object-resource.ts";
import {
  type Proposal,
  proposeObject,
  proposeRemoval,
  refused,
  refuseUnchangeable,
  writeObjects,
} from "./write-object.ts";

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
    return writeObjects(call, this.#parts, (records) => {
      if (call.token.applications !== null) return refused(fail("not_permitted"));
      const id = this.#freeId(call.body, records);
      return this.#put(call, records, { id, status: 201 });
    });
  }

  replace(call: Call): Promise<Answer> {
    return writeObjects(call, this.#parts, (records) => {
      const standing = this.#find(call.params["id"], call.token, records);
      if (standing === undefined) return refused(fail("not_found"));
      const refusal = this.#refuseNarrow(call.token) ?? refuseUnchangeable(standing);
      if (refusal !== undefined) return refused(refusal);
      return this.#put(call, records, { id: standing.object.id, standing, status: 200 });
    });
  }

  remove(call: Call): Promise<Answer> {
    return writeObjects(call, this.#parts, (records) => {
      const standing = this.#find(call.params["id"], call.token, records);
      if (standing === undefined) return refused(fail("not_found"));
      const refusal = this.#refuseNarrow(call.token);
      if (refusal !== undefined) return refused(refusal);
      const shown = this.#show(standing, records);
      const { deleted } = this.#resource;
      const answer = deleted === 202 ? { id: standing.object.id } : shown;
      return proposeRemoval(
        standing,
        records,
        shown,
        succeed(answer, deleted),
        labelFor(call.token),
      );
    });
  }

  /** Judges what was sent, without what only we write. */
  #put(
    { body, token }: Call,
    records: Records,
    { id, standing, status }: { id: string; standing?: ObjectRecord; status: number },
  ): Proposal {
    if (!isMap(body)) return refused(fail("bad_request", "The body must be a JSON object."));
    const { kind, prepare, readOnly } = this.#resource;
    const notRead = [...ownFields, ...readOnly];
    const own = Object.entries(body).filter(([field]) => !notRead.includes(field));
    const fields = Object.fromEntries(own);
    const written = {
      ...{ kind, id, standing, label: labelFor(token) },
      fields: prepare?.(fields, { standing, records }) ?? fields,
      show: (record: ObjectRecord, among: Records) => this.#show(record, among),
    };
    const proposal = proposeObject(written, records, this.#parts, status);
    const refusal = refuseReach(this.#resource, token, [standing, proposal.put[0]], records);
    return refusal === undefined ? proposal : refused(refusal);
  }

  /** [ext] The id that was sent, where it is free: what was exported keeps its ids. */
  #freeId(body: unknown, records: Records): string {
    const id = isMap(body) ? body["id"] : undefined;
    const isFree = typeof id === "string" && !records.has(keyOf(this.#resource.kind.name, id));
    return isFree ? id : randomUuid(this.#parts.randomBytes);
  }

  /** What a token for some applications sees may concern others as well. */
  #refuseNarrow({ applications }: Call["token"]): Answer | undefined {
    const isFree = applications === null || this.#resource.isNarrow === true;
    return isFree ? undefined : fail("not_permitted");
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

function inOrderOfMaking(a: ObjectRecord, b: ObjectRecord): number {
  return a.createdAt - b.createdAt || (a.object.id < b.object.id ? -1 : 1);
}
