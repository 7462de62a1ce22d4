// Which object a word means (configuration.md): the one with this id, else the one with this name.
// The model knows ids alone; here the names of a file turn into them.
import { nearestWord } from "@postern/protocol/nearest-word";
import { type ConfiguredObject, type Kind, type Reference, withArticle } from "../model/kind.ts";
import { kinds } from "../model/kinds.ts";
import { type FieldPath, type Report, reportBelow } from "../model/problem.ts";
import { isMap, readValue } from "../model/read-value.ts";
import { replaceAt, valueAt } from "../model/value-at.ts";
import { someText } from "../model/values.ts";
import { derivedId } from "./object-id.ts";

/** An object as it is in the file, whatever is wrong with it. */
export interface FileObject {
  kind: Kind;
  /** stated, or made of its name */
  id: string;
  value: unknown;
  path: FieldPath;
  /** how messages name it: `groups[0] "staff"` */
  label: string;
  /** whether its id or its name came from outside the file, so that messages quote neither */
  hasHiddenName: boolean;
}

/** kind → word → the object that it means, right or wrong: who names it is right all the same */
export type Names = ReadonlyMap<string, ReadonlyMap<string, FileObject>>;

/** An object that is not in the file, and that the file may name. */
export interface StandingObject {
  kind: Kind;
  id: string;
  name: string;
  /** undefined where it cannot be looked into */
  object: ConfiguredObject | undefined;
  /** how messages name it */
  label: string;
}

/** The id that an object states, else one that is made of its name and its owner. */
export function idOf(kind: string, value: unknown, ...owner: string[]): string {
  return wordAt(value, "id") ?? derivedId(kind, ...owner, wordAt(value, "name") ?? "");
}

/** The object with its id, and with ids in the objects that are inside it. */
export function withIds({ kind, id, value }: FileObject): unknown {
  if (kind.naming === "one") return value;
  return kind.parts(value).reduce(
    (whole, { kind: partKind, at }) => {
      const part = valueAt(value, at);
      return replaceAt(whole, at, withId(part, idOf(partKind, part, id)));
    },
    withId(value, id),
  );
}

function withId(value: unknown, id: string): unknown {
  return isMap(value) ? { ...value, id: value["id"] ?? id } : value;
}

/** Collects what names mean. Two objects that one word could mean are a mistake. */
export function collectNames(objects: readonly FileObject[], report: Report): Names {
  const names = new Map<string, Map<string, FileObject>>();
  for (const object of objects) {
    const { kind, id, value, path } = object;
    if (kind.naming === "one") continue;
    const words = names.get(kind.name) ?? new Map<string, FileObject>();
    names.set(kind.name, words);
    if (kind.naming === "free") continue;
    for (const field of ["id", "name"]) {
      const word = wordAt(value, field);
      const owner = word === undefined ? undefined : words.get(word);
      if (word !== undefined && owner === undefined) words.set(word, object);
      if (owner !== undefined && owner !== object)
        report.problem([...path, field], `already means ${owner.label}; choose another`, word);
    }
    if (!words.has(id)) words.set(id, object);
  }
  const counts = new Map<string, number>();
  for (const object of objects) counts.set(nameKey(object), (counts.get(nameKey(object)) ?? 0) + 1);
  for (const object of objects)
    if (object.kind.naming === "free") addFreeName(object, counts, names);
  return names;
}

/** The same with objects beside the file, as far as the file does not mean its own by a word. */
export function addStandingNames(names: Names, standing: readonly StandingObject[]): Names {
  const all = new Map([...names].map(([kind, words]) => [kind, new Map(words)]));
  const counts = new Map<string, number>();
  const keyOf = ({ kind, name }: StandingObject) => JSON.stringify([kind.name, name]);
  for (const each of standing) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  for (const each of standing) {
    const { kind, id, name, label } = each;
    if (kind.naming === "one") continue;
    const words = all.get(kind.name) ?? new Map<string, FileObject>();
    all.set(kind.name, words);
    const object = { kind, id, value: undefined, path: [], label, hasHiddenName: false };
    if (!words.has(id)) words.set(id, object);
    if (!words.has(name) && counts.get(keyOf(each)) === 1) words.set(name, object);
  }
  return all;
}

/** Names of these are for people: one of them means an object where no other bears it. */
function addFreeName(
  object: FileObject,
  counts: ReadonlyMap<string, number>,
  names: Map<string, Map<string, FileObject>>,
): void {
  const { kind, id, value } = object;
  const words = names.get(kind.name) as Map<string, FileObject>;
  if (!words.has(id)) words.set(id, object);
  const name = wordAt(value, "name");
  if (name !== undefined && counts.get(nameKey(object)) === 1) words.set(name, object);
}

function nameKey({ kind, value }: FileObject): string {
  return `${kind.name} ${wordAt(value, "name")}`;
}

function wordAt(value: unknown, field: string): string | undefined {
  const word = isMap(value) ? value[field] : undefined;
  return typeof word === "string" && word.trim() !== "" ? word : undefined;
}

/** What stands for an id that cannot be found: the complaint about it is made. */
const unresolvedId = "unresolved";

/** The object with ids in the place of names. */
export function resolveNames(kind: Kind, value: unknown, names: Names, report: Report): unknown {
  return kind
    .references(value)
    .reduce((whole, reference) => resolveName(whole, reference, names, report), value);
}

function resolveName(whole: unknown, reference: Reference, names: Names, report: Report): unknown {
  const { kind, at, name } = reference;
  if (name === undefined) {
    const word = valueAt(whole, at);
    if (typeof word !== "string" || word.trim() === "") return whole;
    return replaceAt(whole, at, findId(kind, word, at, names, report));
  }
  const holderPath = at.slice(0, -1);
  const { [name]: _name, ...holder } = valueAt(whole, holderPath) as Record<string, unknown>;
  const id = idByEither(whole, { kind, at, name }, names, report);
  return replaceAt(whole, holderPath, { ...holder, [String(at.at(-1))]: id });
}

/** The id of an object that is named by the one field or the other. */
function idByEither(
  whole: unknown,
  { kind, at, name }: Required<Reference>,
  names: Names,
  report: Report,
): unknown {
  const holderPath = at.slice(0, -1);
  const fields = [String(at.at(-1)), name];
  const [field, another] = fields.filter(
    (each) => valueAt(whole, [...holderPath, each]) !== undefined,
  );
  if (field === undefined || another !== undefined) {
    const noun = kinds.get(kind)?.noun;
    report.problem(
      holderPath,
      `must name one ${noun}, by ${fields.join(" or ")}; write one of the two`,
    );
    return unresolvedId;
  }
  const path = [...holderPath, field];
  const word = readValue(someText, valueAt(whole, path), reportBelow(report, path));
  return word === undefined ? unresolvedId : findId(kind, word, path, names, report);
}

function findId(kind: string, word: string, at: FieldPath, names: Names, report: Report): string {
  const words = names.get(kind);
  const id = words?.get(word)?.id;
  if (id !== undefined) return id;
  const { noun, section } = kinds.get(kind) ?? { noun: kind, section: kind };
  const what = `is not ${withArticle(noun)} of this file`;
  const example = `correct the name, or add it to the top-level ${section}`;
  const near = nearestWord(word, quotableWords(words));
  const own = near === undefined ? example : `do you mean ${JSON.stringify(near)}?`;
  report.problem(at, what, { value: word, remedy: { own, example } });
  return unresolvedId;
}

function quotableWords(words: ReadonlyMap<string, FileObject> = new Map()): string[] {
  const entries = [...words].filter(([_word, { hasHiddenName }]) => !hasHiddenName);
  return entries.map(([word]) => word);
}
