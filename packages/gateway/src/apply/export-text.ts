// The objects of a gateway as the text of a file: what applies it makes the same objects. Defaults
// and ids that are made of names are left out, and names stand in the place of ids, so that a
// person can read it, and each change of an object is a change of its lines alone.
import { isDeepStrictEqual } from "node:util";
import { Document, isSeq, isMap as isYamlMap, type YAMLMap } from "yaml";
import { withoutFillIn } from "../config/fill-in.ts";
import { derivedId } from "../config/object-id.ts";
import { application } from "../model/application.ts";
import type { Kind, Reference } from "../model/kind.ts";
import { kinds } from "../model/kinds.ts";
import { list } from "../model/list.ts";
import { isOtherType } from "../model/other-application.ts";
import { policy } from "../model/policy.ts";
import { isMap, itemsOf } from "../model/read-value.ts";
import { removeAt, replaceAt, valueAt } from "../model/value-at.ts";
import type { AccountObject } from "./account-object.ts";
import type { MissingSecret } from "./changes.ts";

/** An object that is to be written; a file of another account may not say everything of it. */
export type WrittenObject = Pick<AccountObject, "kind" | "id" | "name" | "input" | "secrets">;

/** A file, and what it cannot hold. */
export interface Export {
  text: string;
  missing: MissingSecret[];
}

/**
 * Writes a file.
 * @param objects of all kinds; references are ids
 * @param heading lines of a comment at its top
 */
export function exportText(objects: readonly WrittenObject[], heading: readonly string[]): Export {
  const words = new Words(objects);
  const sections: Record<string, unknown> = {};
  const comments: { section: string; place: number | undefined; secrets: string[] }[] = [];
  const missing: MissingSecret[] = [];
  for (const kind of kinds.values()) {
    const ofKind = objects.filter((each) => each.kind === kind.name);
    const [first] = ofKind;
    if (first === undefined) continue;
    const isSingle = kind.naming === "one";
    const written = ofKind.map((each) => inOrder(fileForm(kind, each, words)));
    sections[kind.section] = isSingle ? written[0] : written;
    for (const [place, { id, name, secrets }] of ofKind.entries()) {
      if (secrets.length === 0) continue;
      comments.push({ section: kind.section, place: isSingle ? undefined : place, secrets });
      for (const field of secrets) missing.push({ kind: kind.name, id, name, field });
    }
  }
  const document = new Document(escaped(sections));
  document.commentBefore = heading.map((line) => ` ${line}`).join("\n");
  for (const { section, place, secrets } of comments) {
    const node = document.getIn(place === undefined ? [section] : [section, place]);
    const lines = secrets.map((field) => ` ${field} is not exported`);
    if (isYamlMap(node)) node.comment = lines.join("\n");
  }
  styleRules(document.contents);
  const isEmpty = Object.keys(sections).length === 0;
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  return { text: isEmpty ? `${heading.map((line) => `# ${line}\n`).join("")}{}\n` : text, missing };
}

/** What a file calls objects: by name, where that means one of them alone. */
class Words {
  readonly #names = new Map<string, string>();

  constructor(objects: readonly WrittenObject[]) {
    const counts = new Map<string, number>();
    const count = (kind: string, word: string) => {
      const key = JSON.stringify([kind, word]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    };
    for (const { kind, id, name } of objects)
      for (const word of new Set([id, name])) count(kind, word);
    for (const { kind, id, name } of objects)
      if (counts.get(JSON.stringify([kind, name])) === 1) this.#names.set(`${kind} ${id}`, name);
  }

  /** undefined where only the id will do */
  nameOf(kind: string, id: unknown): string | undefined {
    return this.#names.get(`${kind} ${id}`);
  }
}

function fileForm(kind: Kind, each: WrittenObject, words: Words): Record<string, unknown> {
  const named = kind
    .references(each.input)
    .reduce<unknown>((whole, reference) => withName(whole, reference, words), each.input);
  const whole = named as Record<string, unknown>;
  // Of types that mean nothing here, all that was sent is kept as it is.
  const isOther = kind.name === application.name && isOtherType(whole);
  const short = isOther ? withPolicies(whole, each.id) : withoutDefaults(kind, whole);
  if (kind.naming === "one") return withoutId(short);
  const isDerived =
    each.id === derivedId(kind.name, each.name) && words.nameOf(kind.name, each.id) !== undefined;
  const own = isDerived ? withoutId(short) : short;
  switch (kind.name) {
    case application.name:
      return isOther ? own : applicationForm(own, each.id);
    case list.name:
      return { ...own, items: itemsOf(own, "items").map(itemForm) };
    default:
      return own;
  }
}

/** A name in the place of an id, where it means the same object. */
function withName(whole: unknown, { kind, at, name }: Reference, words: Words): unknown {
  const word = words.nameOf(kind, valueAt(whole, at));
  if (word === undefined) return whole;
  if (name === undefined) return replaceAt(whole, at, word);
  const holder = valueAt(whole, at.slice(0, -1));
  return replaceAt(whole, at.slice(0, -1), {
    ...(removeAt(holder, at.slice(-1)) as object),
    [name]: word,
  });
}

function withoutId({ id: _, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return fields;
}

/** Without the fields that say what is so anyway. */
function withoutDefaults(kind: Kind, fields: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(fields).filter(
    ([field, value]) => value !== undefined && !isDeepStrictEqual(value, defaultsOf(kind)[field]),
  );
  return Object.fromEntries(kept);
}

const defaults = new Map<string, Record<string, unknown>>();

function defaultsOf({ name, fields }: Kind): Record<string, unknown> {
  const known = defaults.get(name);
  if (known !== undefined) return known;
  const found: Record<string, unknown> = {};
  for (const [field, schema] of Object.entries(fields.shape)) {
    const result = schema.safeParse(undefined);
    if (result.success && result.data !== undefined) found[field] = result.data;
  }
  defaults.set(name, found);
  return found;
}

/** One of the three ways to say where an application is, and its policies. */
function applicationForm(fields: Record<string, unknown>, id: string): Record<string, unknown> {
  const { self_hosted_domains, destinations, policies, ...own } = fields;
  const domains = Array.isArray(self_hosted_domains) ? self_hosted_domains : [];
  const plain = domains.map((uri) => ({ type: "public", uri }));
  const isPlain = destinations === undefined || isDeepStrictEqual(destinations, plain);
  const others = domains.length > 1 ? { self_hosted_domains } : {};
  const where = isPlain ? others : { destinations };
  return withPolicies({ ...own, ...where, policies }, id);
}

function withPolicies(fields: Record<string, unknown>, id: string): Record<string, unknown> {
  const { policies, ...own } = fields;
  const entries = itemsOf({ policies }, "policies");
  return entries.length === 0 ? own : { ...own, policies: policiesForm(entries, id) };
}

function policiesForm(entries: readonly unknown[], applicationId: string): unknown[] {
  const isInSequence = entries.every(
    (entry, index) =>
      !isMap(entry) || [index + 1, undefined].includes(entry["precedence"] as number),
  );
  const names = entries.map((entry) => (isMap(entry) ? entry["name"] : undefined));
  return entries.map((entry) => {
    if (!isMap(entry)) return entry;
    const { precedence, ...rest } = entry;
    const numbered = isInSequence || precedence === undefined ? rest : { ...rest, precedence };
    if (!("decision" in entry)) return Object.keys(numbered).length > 1 ? numbered : rest["id"];
    const short = withoutDefaults(policy as unknown as Kind, numbered);
    const isOnly = names.filter((name) => name === entry["name"]).length === 1;
    const isDerived = entry["id"] === derivedId("policy", applicationId, String(entry["name"]));
    return inOrder(isDerived && isOnly ? withoutId(short) : short);
  });
}

function itemForm(item: unknown): unknown {
  return isMap(item) && Object.keys(item).length === 1 ? item["value"] : item;
}

const leading = ["name", "id", "aud", "type", "domain", "decision"];
const trailing = ["include", "require", "exclude", "items", "config", "policies"];

/** What people look for first stands first. */
function inOrder(fields: Record<string, unknown>): Record<string, unknown> {
  const placeOf = (field: string) => {
    const end = trailing.indexOf(field);
    if (end >= 0) return leading.length + 1 + end;
    const start = leading.indexOf(field);
    return start >= 0 ? start : leading.length;
  };
  return Object.fromEntries(
    Object.entries(fields).sort(([one], [other]) => placeOf(one) - placeOf(other)),
  );
}

/** Nothing that a gateway has is filled in by whoever applies it. */
function escaped(value: unknown): unknown {
  if (typeof value === "string") return withoutFillIn(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escaped(item)]));
}

/** A rule stands on one line, and so does an item of a list. */
function styleRules(node: unknown): void {
  if (isSeq(node)) for (const item of node.items) styleRules(item);
  if (!isYamlMap(node)) return;
  for (const { key, value } of (node as YAMLMap<{ value?: unknown }>).items) {
    const isOfRules = ["include", "require", "exclude", "items"].includes(String(key.value));
    if (!isOfRules || !isSeq(value)) styleRules(value);
    else for (const item of value.items) if (isYamlMap(item)) item.flow = true;
  }
}
