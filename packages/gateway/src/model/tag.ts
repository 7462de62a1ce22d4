// Tags: words by which people sort applications. Nothing is decided by them. An application may
// name a tag that stands nowhere else; one that stands here is there before any application has it.
import { z } from "zod";
import { defineKind } from "./kind.ts";
import { identifier, objectName } from "./values.ts";

const fields = z.strictObject({
  id: identifier,
  // It is a segment of the API's paths.
  name: objectName.refine((name) => !/^\.{1,2}$|[/\\\p{Cc}]/u.test(name), {
    message: "cannot be part of a path; leave out / and \\",
  }),
});

/** Everything that makes a tag valid. */
export const tag = defineKind({
  name: "tag",
  noun: "tag",
  section: "tags",
  naming: "unique",
  schema: fields,
  fields,
  stored: fields,
  toObject: ({ id, name }) => ({ id, name }),
});

/** The tags that an application names. */
export function tagsOf(application: object): string[] {
  const { tags, without_effect } = application as {
    tags?: unknown;
    without_effect?: Record<string, unknown>;
  };
  const named = tags ?? without_effect?.["tags"];
  if (!Array.isArray(named)) return [];
  return named.filter((name) => typeof name === "string");
}
