// The `policies` of an application: what clients send and get. They send ids, links with a
// precedence, policies of the application's own, or whole policies as they got them; they get whole
// policies, in their order (access-api 3.1).
import type { Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import type { StoredApplication } from "../../model/application.ts";
import { toPolicyEntries } from "../../model/application-policies.ts";
import { policy } from "../../model/policy.ts";
import { isMap } from "../../model/read-value.ts";
import { type RandomBytes, randomUuid } from "../../random.ts";
import { ownFields } from "./object-resource.ts";

/** Fields of a policy that only we write. */
export const readOnlyOfPolicy = ["reusable", "app_count"];

/** What an application's schema reads of a list that was sent. */
export function readEntries(list: unknown, records: Records, randomBytes: RandomBytes): unknown {
  if (!Array.isArray(list)) return list;
  return list.map((entry: unknown) => readEntry(entry, records, randomBytes));
}

function readEntry(entry: unknown, records: Records, randomBytes: RandomBytes): unknown {
  if (!isMap(entry)) return entry;
  const { id, precedence } = entry;
  const isReusable = typeof id === "string" && records.has(keyOf(policy.name, id));
  const isLink = isReusable || !("decision" in entry || "include" in entry);
  if (isLink) return precedence === undefined ? { id } : { id, precedence };
  return { ...readOwnPolicy(entry), id: typeof id === "string" ? id : randomUuid(randomBytes) };
}

/** What a policy's schema reads of one that was sent, but for its id. */
export function readOwnPolicy(body: Record<string, unknown>): Record<string, unknown> {
  const notRead = [...ownFields, ...readOnlyOfPolicy];
  const fields = Object.entries(body).filter(([field]) => !notRead.includes(field));
  const own = Object.fromEntries(fields);
  // Terraform writes "" for the application's own duration.
  return own["session_duration"] === "" ? { ...own, session_duration: null } : own;
}

/** The policies of an application as they are shown: whole, in their order. */
export function showEntries(record: ObjectRecord, records: Records): Record<string, unknown>[] {
  const { policies, precedences } = record.object as StoredApplication;
  return toPolicyEntries(policies, precedences).map((entry) => {
    const linked =
      "decision" in entry ? undefined : records.get(keyOf(policy.name, `${entry["id"]}`));
    if (linked === undefined) return { ...entry, ...timesOf(record) };
    const { precedence } = entry;
    return {
      ...policy.toInput(linked.object as never),
      ...timesOf(linked),
      precedence,
      reusable: true,
    };
  });
}

function timesOf({ createdAt, updatedAt }: ObjectRecord): Record<string, string> {
  return {
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  };
}
