// Tags (access-api 2.6): the name is the key. Those that stand for themselves and those that only
// applications name are one list; a name that applications have stays as long as they do.
import type { Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { application } from "../../model/application.ts";
import type { Kind } from "../../model/kind.ts";
import { isMap } from "../../model/read-value.ts";
import { tag, tagsOf } from "../../model/tag.ts";
import { randomUuid } from "../../random.ts";
import type { AdminParts } from "../admin-parts.ts";
import { pageOf } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import {
  type Proposal,
  proposeObject,
  proposeRemoval,
  refused,
  refuseUnchangeable,
  writeObjects,
} from "./write-object.ts";

const path = "/access/tags";
const one = `${path}/:tag_name`;
const kind = tag as unknown as Kind;

/** The routes of tags. */
export function tagRoutes(parts: AdminParts): Route[] {
  const body = tag.fields;
  const write = (propose: (call: Call, parts: AdminParts, records: Records) => Proposal) => {
    return (call: Call) => writeObjects(call, parts, (records) => propose(call, parts, records));
  };
  return [
    {
      ...{ method: "GET", path, permission: "apps:read", summary: "List tags" },
      handle: (call) => list(call, parts),
    },
    {
      ...{ method: "POST", path, permission: "apps:write", body, status: 201 },
      summary: "Create a tag; one that is there stays",
      handle: write(create),
    },
    {
      ...{ method: "GET", path: one, permission: "apps:read", summary: "Read one tag" },
      handle: (call) => read(call, parts),
    },
    {
      ...{ method: "PUT", path: one, permission: "apps:write", body },
      summary: "Give a tag that no application has another name",
      handle: write(rename),
    },
    {
      ...{ method: "DELETE", path: one, permission: "apps:write", status: 202 },
      summary: "Delete a tag that no application has",
      handle: write(remove),
    },
  ];
}

/** A tag, as far as a token may see it. */
interface KnownTag {
  name: string;
  /** how many applications have it */
  count: number;
  /** undefined: applications name it, and nothing else */
  record: ObjectRecord | undefined;
}

/** Every tag by its name, in their alphabetical order. */
function tagsIn(records: Records, { applications }: Call["token"]): Map<string, KnownTag> {
  const all = [...records.values()];
  const stored = all.filter((record) => record.kind === tag.name && applications === null);
  const owners = all.filter(
    ({ kind: name, object }) =>
      name === application.name && (applications?.includes(object.id) ?? true),
  );
  const named = owners.flatMap(({ object }) => [...new Set(tagsOf(object))]);
  const tags = new Map<string, KnownTag>();
  for (const record of stored)
    tags.set(record.object.name, { name: record.object.name, count: 0, record });
  for (const name of named) {
    const known = tags.get(name);
    tags.set(name, { name, count: (known?.count ?? 0) + 1, record: known?.record });
  }
  return new Map([...tags].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function list({ query, token }: Call, { catalogs }: AdminParts): Answer {
  return pageOf([...tagsIn(catalogs.records(), token).values()], query, showTag);
}

function read({ params, token }: Call, { catalogs }: AdminParts): Answer {
  const known = tagsIn(catalogs.records(), token).get(params["tag_name"] ?? "");
  return known === undefined ? fail("not_found") : succeed(showTag(known));
}

/** Whoever repeats a request, or names what applications name already, gets what there is. */
function create({ body, token }: Call, parts: AdminParts, records: Records): Proposal {
  if (token.applications !== null) return refused(fail("not_permitted"));
  if (!isMap(body)) return refused(fail("bad_request", "The body must be a JSON object."));
  const standing = tagsIn(records, token).get(String(body["name"]))?.record;
  if (standing !== undefined) return refused(succeed(showRecord(standing, records, token), 201));
  return propose(body["name"], randomUuid(parts.randomBytes), { parts, records, token }, 201);
}

function rename({ params, body, token }: Call, parts: AdminParts, records: Records): Proposal {
  const tags = tagsIn(records, token);
  const known = tags.get(params["tag_name"] ?? "");
  if (known === undefined) return refused(fail("not_found"));
  if (token.applications !== null) return refused(fail("not_permitted"));
  if (!isMap(body)) return refused(fail("bad_request", "The body must be a JSON object."));
  const { record, name: before } = known;
  const name = body["name"] ?? before;
  if (name === before) return refused(succeed(showTag(known)));
  const refusal = refuseUsed(known) ?? (record && refuseUnchangeable(record));
  if (refusal !== undefined) return refused(refusal);
  if (tags.has(String(name)))
    return refused(fail("invalid", "name is the name of another tag.", "/name"));
  const id = record?.object.id ?? randomUuid(parts.randomBytes);
  return propose(name, id, { parts, records, token, standing: record }, 200);
}

function remove({ params, token }: Call, _parts: AdminParts, records: Records): Proposal {
  const known = tagsIn(records, token).get(params["tag_name"] ?? "");
  if (known === undefined) return refused(fail("not_found"));
  if (token.applications !== null) return refused(fail("not_permitted"));
  const refusal = refuseUsed(known);
  const { record, name } = known;
  if (refusal !== undefined || record === undefined) return refused(refusal ?? fail("not_found"));
  return proposeRemoval(record, records, showTag(known), succeed({ name }, 202));
}

interface Place {
  parts: AdminParts;
  records: Records;
  token: Call["token"];
  standing?: ObjectRecord | undefined;
}

function propose(name: unknown, id: string, place: Place, status: number): Proposal {
  const { parts, records, token, standing } = place;
  const written = {
    ...{ kind, id, standing, fields: { name } },
    show: (record: ObjectRecord, among: Records) => showRecord(record, among, token),
  };
  return proposeObject(written, records, parts, status);
}

/** Nobody looks into all applications for a name. */
function refuseUsed({ name, count }: KnownTag): Answer | undefined {
  if (count === 0) return undefined;
  const owners = count === 1 ? "one application" : `${count} applications`;
  return fail("in_use", `tag "${name}" is in use by ${owners}; remove it there first.`);
}

function showRecord(record: ObjectRecord, records: Records, token: Call["token"]): object {
  const { name } = record.object;
  return showTag(tagsIn(records, token).get(name) ?? { name, count: 0, record });
}

function showTag({ name, count, record }: KnownTag): Record<string, unknown> {
  const shown = { name, app_count: count };
  if (record === undefined) return shown;
  return {
    ...shown,
    created_at: new Date(record.createdAt).toISOString(),
    updated_at: new Date(record.updatedAt).toISOString(),
    managed_by: record.managedBy,
  };
}
