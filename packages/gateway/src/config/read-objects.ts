// What postern.yaml protects and for whom: its sections → objects of the model. Names become ids;
// what makes an object valid is in the model, kind by kind.
import { createHash } from "node:crypto";
import { z } from "zod";
import { application, type StoredApplication } from "../model/application.ts";
import { type IngressRule, readIngress } from "../model/ingress-rule.ts";
import type { ConfiguredObject, Kind, Tools } from "../model/kind.ts";
import { kinds, type ObjectLists } from "../model/kinds.ts";
import type { Organization } from "../model/organization.ts";
import {
  type CollectedReport,
  type FieldPath,
  type Report,
  reportBelow,
} from "../model/problem.ts";
import { isMap, readValue } from "../model/read-value.ts";
import { readObject } from "../model/validate.ts";
import { createWorld } from "../model/world.ts";
import { checkAuthorities, type FileContext } from "./certificate-files.ts";
import { derivedId } from "./object-id.ts";
import {
  addStandingNames,
  collectNames,
  type FileObject,
  idOf,
  type Names,
  resolveNames,
  type StandingObject,
  withIds,
} from "./object-names.ts";
import { type ServedApplication, warnOfUnservedHosts } from "./served-hosts.ts";

/** The objects of a file by section, and its ingress rules. */
export interface ConfiguredObjects extends ObjectLists {
  /** undefined where the file says nothing of it */
  organization: Organization | undefined;
  ingress: IngressRule[];
}

/** What objects are judged against beside each other. */
export interface ObjectsContext extends FileContext {
  report: CollectedReport;
  authDomain: string;
  /** hosts that no application may have */
  ownHosts: ReadonlySet<string>;
  /** whether PINs can be mailed */
  hasMail: boolean;
  /** whether the country of an address can be looked up */
  knowsCountries: boolean;
  /** how messages name a field: `applications[0] "Orders API"` */
  nameField(path: FieldPath): string;
  /** whether the value of a field came from outside the file */
  isFilledIn(path: FieldPath): boolean;
  /** objects beside those of the file, which it may name and whose claims it must leave alone */
  standing?: readonly StandingObject[];
}

type Fields = Readonly<Record<string, unknown>>;

/** An object whose shape is right. */
export interface ParsedObject extends FileObject {
  /** what was written, with ids in the place of names */
  written: unknown;
  input: unknown;
  object: ConfiguredObject;
}

const list = z.array(z.unknown()).default([]);
const ingressList = z.array(z.unknown()).min(1, {
  message: "is empty; end it with a rule that has only a service, such as http_status:404",
});

/** Reads them all; when the report then holds a problem, what is returned is of no use. */
export function readObjects(fields: Fields, context: ObjectsContext): ConfiguredObjects {
  const { authDomain, report, resolvePath } = context;
  const parsedObjects = readKinds(fields, context);
  const { ingress: rules = [] } =
    readValue(z.object({ ingress: ingressList }), fields, report) ?? {};
  const ingress = readIngress(
    rules,
    { resolvePath, checkAuthorities },
    reportBelow(report, ["ingress"]),
  );
  // Rules and applications with a mistake are not among them.
  if (report.problems.length === 0)
    warnOfUnservedHosts(parsedObjects.flatMap(servedApplication), ingress, report);
  return {
    ...listsOf(parsedObjects),
    organization: organizationOf(parsedObjects, authDomain),
    ingress,
  };
}

/** Reads the objects of all kinds, as `readObjects` does; the file may have no more than those. */
export function readKinds(fields: Fields, context: ObjectsContext): ParsedObject[] {
  const { report, standing = [] } = context;
  // 1. Find out what every name means, before anything is looked at by its shape.
  const all = [...kinds.values()].flatMap((kind) => objectsIn(kind, fields, context));
  const names = addStandingNames(collectNames(all, report), standing);

  // 2. Read each object by itself.
  const parsedObjects = all.flatMap((object) => parseObject(object, names, report) ?? []);
  tellNamesakesApart(parsedObjects, report);

  // 3. Check each beside the others; of two that claim the same, the first has it.
  const world = createWorld(context);
  for (const { kind, id, object } of standing) world.add(kind, id, object);
  for (const { kind, id } of all) world.add(kind, id, undefined);
  for (const { kind, object } of parsedObjects) world.add(kind, object.id, object);
  for (const { kind, object, label } of standing)
    if (object !== undefined) world.claim(kind, object, label);
  for (const each of parsedObjects) {
    each.kind.check(each.input, world, reportBelow(report, each.path));
    world.claim(each.kind, each.object, each.label);
  }
  return parsedObjects;
}

/** The objects of a kind, in the order of the file. */
function objectsIn(kind: Kind, fields: Fields, context: ObjectsContext): FileObject[] {
  const { section } = kind;
  const content = fields[section];
  if (kind.naming === "one") {
    // A file that says nothing of it leaves it to the API.
    if (content === undefined) return [];
    return [fileObject({ kind, id: section, value: content ?? {}, path: [section] }, context)];
  }
  const items = readValue(list, content, reportBelow(context.report, [section])) ?? [];
  return items.map((value, index) => {
    const id = idOf(kind.name, value);
    return fileObject({ kind, id, value, path: [section, index] }, context);
  });
}

function fileObject(
  object: Pick<FileObject, "kind" | "id" | "value" | "path">,
  { nameField, isFilledIn }: ObjectsContext,
): FileObject {
  const { path } = object;
  const hasHiddenName = ["id", "name"].some((field) => isFilledIn([...path, field]));
  return { ...object, label: nameField(path), hasHiddenName };
}

function servedApplication({ kind, object, path, value }: ParsedObject): ServedApplication[] {
  if (kind.name !== application.name) return [];
  const { domains } = object as StoredApplication;
  const isInDomain = isMap(value) && typeof value["domain"] === "string" && domains.length === 1;
  return [{ path: isInDomain ? [...path, "domain"] : path, domains }];
}

function parseObject(object: FileObject, names: Names, report: Report): ParsedObject | undefined {
  const { kind, path } = object;
  const reportOfObject = reportBelow(report, path);
  const written = resolveNames(kind, withIds(object), names, reportOfObject);
  const input = readObject(kind, written, reportOfObject);
  if (input === undefined) return undefined;
  return { ...object, written, input, object: kind.toObject(input, tools) };
}

const tools: Tools = {
  hash: (secret) => createHash("sha256").update(secret).digest("hex"),
};

/** Gives objects that share a free name different ids. */
function tellNamesakesApart(objects: readonly ParsedObject[], report: Report): void {
  const owners = new Map<string, ParsedObject>();
  for (const each of objects) {
    const { kind, object, path } = each;
    if (kind.naming !== "free") continue;
    const owner = owners.get(`${kind.name} ${object.id}`);
    if (owner !== undefined && object.id === derivedId(kind.name, object.name)) {
      object.id = derivedId(kind.name, object.name, kind.distinction(object));
      report.warning(
        path,
        `has the name of ${owner.label}; give it an id, so that it stays itself when one of them changes`,
      );
    } else if (owner !== undefined) {
      report.problem(
        [...path, "id"],
        `is the id of ${owner.label} as well; choose another`,
        object.id,
      );
    }
    owners.set(`${kind.name} ${object.id}`, each);
  }
}

function listsOf(objects: readonly ParsedObject[]): ObjectLists {
  const lists: Record<string, ConfiguredObject[]> = {};
  for (const { naming, section } of kinds.values()) if (naming !== "one") lists[section] = [];
  for (const { kind, object } of objects) lists[kind.section]?.push(object);
  return lists as unknown as ObjectLists;
}

function organizationOf(
  objects: readonly ParsedObject[],
  authDomain: string,
): Organization | undefined {
  const single = objects.find(({ kind }) => kind.name === "organization");
  if (single === undefined) return undefined;
  const { id: _id, ...organization } = single.object;
  return { ...organization, auth_domain: authDomain };
}
