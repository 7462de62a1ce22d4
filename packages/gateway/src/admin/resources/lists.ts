// Lists of email addresses and networks (access-api 2.6), as Cloudflare's Zero Trust has them. A
// write that leaves the items out keeps them, and PATCH adds and removes some of them.
import { z } from "zod";
import type { Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import type { Kind } from "../../model/kind.ts";
import { type List, list } from "../../model/list.ts";
import { isMap, itemsOf } from "../../model/read-value.ts";
import type { AdminParts } from "../admin-parts.ts";
import { pageOf } from "../pages.ts";
import { type Answer, type Call, fail, type Route } from "../route.ts";
import { byName, bySearch, type ObjectResource, sees, showObject } from "./object-resource.ts";
import {
  type Proposal,
  proposeObject,
  refused,
  refuseUnchangeable,
  writeObjects,
} from "./write-object.ts";

const path = "/gateway/lists";

/** The five verbs. */
export const lists: ObjectResource = {
  kind: list as Kind,
  path,
  area: "lists",
  deleted: 200,
  readOnly: ["count"],
  filters: { name: byName, search: bySearch, type: (shown, value) => shown["type"] === value },
  prepare: (body, { standing }) => (standing === undefined ? body : withStanding(body, standing)),
  show: ({ object }) => ({ count: (object as List).items.length }),
};

/** Nobody changes the type of a list, and its items stay where nothing is said of them. */
function withStanding(body: Record<string, unknown>, { object }: ObjectRecord) {
  const { type, items } = object as List;
  return { type, ...body, items: body["items"] ?? items };
}

const changes = z.strictObject({
  append: z.array(z.unknown()).optional(),
  remove: z.array(z.string()).optional(),
});

/** What there is beside the five verbs. */
export function listItemRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path: `${path}/:id/items`, permission: "lists:read" },
      summary: "List the items of a list",
      handle: (call) => listItems(call, parts),
    },
    {
      ...{ method: "PATCH", path: `${path}/:id`, permission: "lists:write", body: changes },
      summary: "Append items to a list, and remove others",
      handle: (call) => writeObjects(call, parts, (records) => changeItems(call, parts, records)),
    },
  ];
}

function listItems({ params, query, token }: Call, { catalogs }: AdminParts): Answer {
  const record = findList(params["id"], token, catalogs.records());
  if (record === undefined) return fail("not_found");
  return pageOf((record.object as List).items, query, (item) => item);
}

function changeItems({ body, params, token }: Call, parts: AdminParts, records: Records): Proposal {
  const standing = findList(params["id"], token, records);
  if (standing === undefined) return refused(fail("not_found"));
  const refusal = refuseUnchangeable(standing);
  if (refusal !== undefined) return refused(refusal);
  if (!isMap(body)) return refused(fail("bad_request", "The body must be a JSON object."));
  const removed = new Set(itemsOf(body, "remove").map((value) => String(value).toLowerCase()));
  const { id, name, type, description, items } = standing.object as List;
  const kept = items.filter(({ value }) => !removed.has(value.toLowerCase()));
  const fields = { name, type, description, items: [...kept, ...itemsOf(body, "append")] };
  return proposeObject(
    {
      ...{ kind: lists.kind, fields, id, standing },
      show: (record, all) => showObject(lists, record, all),
    },
    records,
    parts,
    200,
  );
}

function findList(
  id: string | undefined,
  token: Call["token"],
  records: Records,
): ObjectRecord | undefined {
  const record = records.get(keyOf(list.name, id ?? ""));
  return record !== undefined && sees(lists, token, record, records) ? record : undefined;
}
