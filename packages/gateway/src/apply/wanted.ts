// A file beside the objects of a gateway: which object of the file is which object there, and what
// is to be asked for. What is the same to the last field is not asked for at all, so that a large
// file that says nothing new costs the gateway nothing.
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "../config/config-error.ts";
import type { ConfigDocument } from "../config/document.ts";
import { linesOf, problemsOf } from "../config/load-config.ts";
import type { StandingObject } from "../config/object-names.ts";
import { type ParsedObject, readKinds } from "../config/read-objects.ts";
import { runAccessTests } from "../config/run-access-tests.ts";
import { sections } from "../config/sections.ts";
import { settingsFields } from "../config/settings.ts";
import { application } from "../model/application.ts";
import { group } from "../model/group.ts";
import { identityProvider } from "../model/identity-provider.ts";
import type { ConfiguredObject, Kind } from "../model/kind.ts";
import { kinds } from "../model/kinds.ts";
import { list } from "../model/list.ts";
import { organizationId } from "../model/organization.ts";
import { policy } from "../model/policy.ts";
import { type CollectedReport, createReport, type FieldPath } from "../model/problem.ts";
import { isMap, itemsOf, reportUnknownField } from "../model/read-value.ts";
import { serviceToken } from "../model/service-token.ts";
import { tag } from "../model/tag.ts";
import { removeAt } from "../model/value-at.ts";
import type { AccountObject } from "./account-object.ts";
import type { ChangeProblem, ChangeRequest } from "./changes.ts";
import { withStandIn } from "./stand-in-secrets.ts";

/** What a file asks of a gateway. */
export interface Wanted {
  request: ChangeRequest;
  /** objects that are there as the file has them */
  unchanged: number;
  /** objects of the API that the file does not have, of the sections that it has */
  others: AccountObject[];
  /** sections of the file that are for a gateway that is started with it */
  notApplied: string[];
  /** `file:line: field: what` for what is said of a request */
  describe(problem: ChangeProblem): string;
}

/**
 * Finds out what a file asks for.
 * @param account the objects of the gateway
 * @param options.prune whether what the file does not have is to go
 * @throws {ConfigError} with a line for each mistake of the file
 */
export function readWanted(
  document: ConfigDocument,
  account: readonly AccountObject[],
  options: { prune: boolean },
): Wanted {
  const report = createReport();
  const fields = document.value as Record<string, unknown>;
  const fieldNames = [...Object.keys(settingsFields), ...Object.keys(sections)];
  for (const field of Object.keys(fields))
    if (!fieldNames.includes(field)) reportUnknownField([field], fieldNames, report);

  // 1. Say which object is which, then read the file as every file is read.
  const gateway = new GatewayObjects(account);
  const placeholders = new Placeholders();
  const identified = placeholders.fill(identify(fields, gateway, report));
  const own = new Set(
    [...kinds.values()].flatMap((kind) =>
      idsIn(kind, identified).map((id) => keyOf(kind.name, id)),
    ),
  );
  const parsed = readKinds(identified, {
    authDomain: "",
    ownHosts: new Set(),
    hasMail: true,
    knowsCountries: true,
    report,
    resolvePath: document.resolvePath,
    nameField: document.nameField,
    isFilledIn: document.isFilledIn,
    standing: account.filter(({ kind, id }) => !own.has(keyOf(kind, id))).map(toStanding),
  });
  throwProblems(document, report);
  const objects = parsed.map((each) => placeholders.remove(each));
  testAccess(fields, objects, account, document);

  // 2. Ask for what differs.
  const asked = objects.filter((each) => !isThere(each, gateway));
  const present = new Set(objects.map(({ kind, object }) => keyOf(kind.name, object.id)));
  const sectionsThere = new Set(Object.keys(fields).filter((field) => fields[field] !== undefined));
  const others = account
    .filter(({ kind, managed_by }) => managed_by === "api" && kind !== "organization")
    .filter(({ kind, id }) => !present.has(keyOf(kind, id)))
    .filter(({ kind }) => sectionsThere.has(kinds.get(kind)?.section ?? ""));
  // What refers to others goes before them.
  const unwanted = options.prune ? others.toReversed() : [];
  const request: ChangeRequest = {
    put: asked.map(({ kind, object, written }) => ({
      ...{ kind: kind.name, id: object.id, fields: fieldsOf(kind, object.id, written) },
      before: gateway.find(kind.name, object.id)?.updated_at ?? null,
    })),
    remove: unwanted.map(({ kind, id, updated_at }) => ({ kind, id, before: updated_at })),
  };
  return {
    request,
    unchanged: objects.length - asked.length,
    others,
    notApplied: Object.keys(fields).filter(
      (field) => !kindSections.has(field) && field !== "tests",
    ),
    describe: ({ path: [list, place, ...rest], what }) => {
      const object = list === "put" ? asked[Number(place)] : undefined;
      if (object !== undefined) {
        const [line = what] = linesOf([{ path: [...object.path, ...rest], what }], document);
        return line;
      }
      const { kind, name } = unwanted[Number(place)] ?? { kind: "", name: "" };
      return `${kinds.get(kind)?.noun ?? kind} ${JSON.stringify(name)}: ${what}`;
    },
  };
}

const kindSections = new Set([...kinds.values()].map(({ section }) => section));

function keyOf(kind: string, id: string): string {
  return `${kind} ${id}`;
}

/** Objects of a gateway, by id and by name. */
class GatewayObjects {
  readonly #byKey: ReadonlyMap<string, AccountObject>;
  readonly #byName = new Map<string, AccountObject[]>();

  constructor(account: readonly AccountObject[]) {
    this.#byKey = new Map(account.map((each) => [keyOf(each.kind, each.id), each]));
    for (const each of account) {
      const key = keyOf(each.kind, each.name);
      this.#byName.set(key, [...(this.#byName.get(key) ?? []), each]);
    }
  }

  find(kind: string, id: string): AccountObject | undefined {
    return this.#byKey.get(keyOf(kind, id));
  }

  named(kind: string, name: string): readonly AccountObject[] {
    return this.#byName.get(keyOf(kind, name)) ?? [];
  }
}

/**
 * What stands in a file for secrets that it leaves out, while it is read: whether an object may do
 * without them is for the gateway to say, which may have them.
 */
class Placeholders {
  readonly #places = new Map<string, FieldPath[]>();

  fill(fields: Record<string, unknown>): Record<string, unknown> {
    const filled = { ...fields };
    for (const kind of [identityProvider, serviceToken] as unknown as Kind[]) {
      const items = fields[kind.section];
      if (!Array.isArray(items)) continue;
      filled[kind.section] = items.map((item: unknown, index) => {
        if (!isMap(item)) return item;
        const { value, places } = this.#fillItem(kind, item);
        this.#places.set(`${kind.section} ${index}`, places);
        return value;
      });
    }
    return filled;
  }

  #fillItem(kind: Kind, item: Record<string, unknown>): { value: unknown; places: FieldPath[] } {
    if (kind.name === serviceToken.name) {
      const isStated = ["client_secret", "client_secret_hash"].some(
        (field) => item[field] !== undefined,
      );
      if (isStated) return { value: item, places: [] };
      return {
        value: { ...item, client_secret_hash: noHash },
        places: [["client_secret_hash"]],
      };
    }
    // A file may leave out the id, which is made of the name later.
    const { fields, standIns } = withStandIn(kind, { id: "unknown", ...item }, randomBytes);
    const { id: _, ...own } = fields;
    const value = item["id"] === undefined ? own : { ...own, id: item["id"] };
    return { value, places: standIns.map((field) => field.split(".")) };
  }

  remove(each: ParsedObject): ParsedObject {
    const [section, index] = each.path;
    const places = this.#places.get(`${section} ${index}`) ?? [];
    return { ...each, written: places.reduce((rest, at) => removeAt(rest, at), each.written) };
  }
}

const noHash = "0".repeat(64);

/** The sections with the id of each object that the gateway has already. */
function identify(
  fields: Record<string, unknown>,
  gateway: GatewayObjects,
  report: CollectedReport,
): Record<string, unknown> {
  const identified = { ...fields };
  for (const kind of kinds.values()) {
    const items = fields[kind.section];
    if (kind.naming === "one" || !Array.isArray(items)) continue;
    const stated = new Set(items.map((item) => textIn(item, "id")));
    const names = new Map<string, number>();
    for (const item of items) {
      const name = textIn(item, "name") ?? "";
      names.set(name, (names.get(name) ?? 0) + 1);
    }
    identified[kind.section] = items.map((item: unknown, index) => {
      if (!isMap(item)) return item;
      const name = textIn(item, "name") ?? "";
      const namesakes = gateway.named(kind.name, name).filter(({ id }) => !stated.has(id));
      const isOnly = names.get(name) === 1;
      const known =
        textIn(item, "id") === undefined
          ? chooseNamesake(kind, item, namesakes, isOnly)
          : gateway.find(kind.name, textIn(item, "id") ?? "");
      if (known === "several") {
        const what = `is the name of ${namesakes.length} objects of the gateway; say the id of one`;
        report.problem([kind.section, index, "name"], what, name);
        return item;
      }
      return known === undefined ? item : withIdentity(kind, item, known);
    });
  }
  return identified;
}

/** The object of the gateway that one without an id means. */
function chooseNamesake(
  kind: Kind,
  item: Record<string, unknown>,
  namesakes: readonly AccountObject[],
  isOnly: boolean,
): AccountObject | undefined | "several" {
  const [first, ...more] = namesakes;
  if (kind.naming === "unique") return more.length > 0 ? "several" : first;
  const sameDomain = namesakes.find(({ input }) => domainOf(input) === domainOf(item));
  if (sameDomain !== undefined) return sameDomain;
  if (!isOnly) return undefined;
  return more.length > 0 ? "several" : first;
}

/** What tells applications of one name apart: their first domain. */
function domainOf(item: Record<string, unknown>): unknown {
  const [destination] = itemsOf(item, "destinations");
  const uri = isMap(destination) ? destination["uri"] : undefined;
  return item["domain"] ?? uri ?? itemsOf(item, "self_hosted_domains")[0];
}

/** An object of a file with what makes it the one that the gateway has. */
function withIdentity(
  kind: Kind,
  item: Record<string, unknown>,
  known: AccountObject,
): Record<string, unknown> {
  const named = { ...item, id: known.id };
  if (kind.name !== application.name) return named;
  const aud = item["aud"] ?? known.input["aud"];
  return { ...named, aud, policies: withPolicyIds(item["policies"], known) };
}

/** The policies of an application's own keep their ids by name. */
function withPolicyIds(entries: unknown, { input }: AccountObject): unknown {
  if (!Array.isArray(entries)) return entries;
  const known = itemsOf(input, "policies")
    .filter(isMap)
    .filter((entry) => "decision" in entry);
  return entries.map((entry: unknown) => {
    if (!isMap(entry) || !("decision" in entry) || entry["id"] !== undefined) return entry;
    const namesakes = known.filter(({ name }) => name === entry["name"]);
    const [namesake] = namesakes;
    return namesakes.length === 1 ? { ...entry, id: namesake?.["id"] } : entry;
  });
}

function textIn(item: unknown, field: string): string | undefined {
  const text = isMap(item) ? item[field] : undefined;
  return typeof text === "string" && text.trim() !== "" ? text : undefined;
}

function idsIn(kind: Kind, fields: Record<string, unknown>): string[] {
  if (kind.naming === "one") return fields[kind.section] === undefined ? [] : [organizationId];
  return itemsOf(fields, kind.section).flatMap((item) => textIn(item, "id") ?? []);
}

function toStanding(each: AccountObject): StandingObject {
  const { kind: name, id } = each;
  const kind = kinds.get(name) as Kind;
  const label = `the gateway's ${kind.noun} ${JSON.stringify(each.name)}`;
  return { kind, id, name: each.name, object: storedOf(each), label };
}

/** An object of a gateway as it is stored, as far as that can be known without its secrets. */
function storedOf({ kind: name, input }: AccountObject): ConfiguredObject | undefined {
  const kind = kinds.get(name) as Kind;
  const secret = name === serviceToken.name ? { client_secret_hash: noHash } : {};
  const result = kind.schema.safeParse({ ...input, ...secret });
  return result.success ? kind.toObject(result.data, { hash: () => "" }) : undefined;
}

/** Whether the gateway has an object as it is in the file, as far as that can be seen from here. */
function isThere({ kind, object, written }: ParsedObject, gateway: GatewayObjects): boolean {
  const known = gateway.find(kind.name, object.id);
  if (known === undefined || statesSecret(written)) return false;
  const [here, there] = [JSON.stringify(kind.toInput(object)), JSON.stringify(known.input)];
  return here === there || isDeepStrictEqual(JSON.parse(here), JSON.parse(there));
}

function statesSecret(written: unknown): boolean {
  const config = isMap(written) && isMap(written["config"]) ? written["config"] : {};
  const fields = { ...(written as object), ...config };
  return Object.keys(fields).some((field) => /secret|private_key$/.test(field));
}

/** Nobody chooses the id of what there is one of. */
function fieldsOf(kind: Kind, id: string, written: unknown): Record<string, unknown> {
  return kind.naming === "one" ? { ...(written as object) } : { ...(written as object), id };
}

/** What is wrong with the settings of a gateway is for the gateway to say that has them. */
function throwProblems(document: ConfigDocument, report: CollectedReport): void {
  const ofObjects = document.problems.filter(({ path }) => kindSections.has(String(path[0])));
  const problems = problemsOf(document, ofObjects, report);
  if (problems.length > 0)
    throw new ConfigError([...new Set(linesOf(problems, document))].join("\n"));
}

/** Runs the tests of the file against what would be in force. */
function testAccess(
  fields: Record<string, unknown>,
  objects: readonly ParsedObject[],
  account: readonly AccountObject[],
  document: ConfigDocument,
): void {
  if (itemsOf(fields, "tests").length === 0) return;
  const report = createReport();
  const present = new Set(objects.map(({ kind, object }) => keyOf(kind.name, object.id)));
  const others = account.filter(({ kind, id }) => !present.has(keyOf(kind, id)));
  const all = [
    ...objects.map(({ kind, object }) => ({ kind: kind.name, object })),
    ...others.flatMap((each) => {
      const object = storedOf(each);
      return object === undefined ? [] : [{ kind: each.kind, object }];
    }),
  ];
  const listOf = ({ name }: { name: string }) =>
    all.filter(({ kind }) => kind === name).map(({ object }) => object) as never[];
  runAccessTests(
    fields,
    {
      organization: undefined,
      ingress: [],
      identity_providers: listOf(identityProvider),
      lists: listOf(list),
      tags: listOf(tag),
      groups: listOf(group),
      policies: listOf(policy),
      service_tokens: listOf(serviceToken),
      applications: listOf(application),
    },
    report,
  );
  throwProblems(document, report);
}

/** @returns where a problem of a request stands in it */
export function pathOfPointer(pointer: string): FieldPath {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
