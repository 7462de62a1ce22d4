// What comes of a Cloudflare account: objects of ours, and a line for everything that cannot come.
// Nothing may be laxer here than it was there. A rule that cannot be judged here fails closed; a
// policy that cannot come whole is left out where it lets people in; and an application that lost
// what kept people out keeps its addresses and lets nobody in, so that no wider one answers for it.
import { derivedId } from "../config/object-id.ts";
import { application } from "../model/application.ts";
import { group } from "../model/group.ts";
import { identityProvider } from "../model/identity-provider.ts";
import type { Kind } from "../model/kind.ts";
import { kinds } from "../model/kinds.ts";
import { list } from "../model/list.ts";
import { organization, organizationId } from "../model/organization.ts";
import { inlinePolicy, policy } from "../model/policy.ts";
import { createReport, type FieldPath, fieldName, type Problem } from "../model/problem.ts";
import { isMap, itemsOf, readValue } from "../model/read-value.ts";
import { serviceToken } from "../model/service-token.ts";
import { tag } from "../model/tag.ts";
import { removeAt, replaceAt, valueAt } from "../model/value-at.ts";
import type { CloudflareAccount, RawObject } from "./cloudflare-account.ts";
import type { WrittenObject } from "./export-text.ts";
import { labelOf } from "./plan-text.ts";
import { withStandIn } from "./stand-in-secrets.ts";

/** What comes, and what does not, in lines for people. */
export interface Import {
  objects: WrittenObject[];
  remarks: string[];
}

/** Makes objects of ours of an account. */
export function importObjects(account: CloudflareAccount): Import {
  const importer = new Importer();
  if (account.organization !== undefined) importer.addOrganization(account.organization);
  importer.add(identityProvider as unknown as Kind, account.identity_provider);
  importer.add(list as unknown as Kind, account.list);
  importer.add(serviceToken as unknown as Kind, account.service_token);
  const tags = account.tag.map((each) => ({ ...each, id: derivedId(tag.name, `${each["name"]}`) }));
  importer.add(tag as unknown as Kind, tags);
  importer.reserve(application.name, account.application);
  importer.reserve(group.name, account.group);
  importer.add(group as unknown as Kind, account.group);
  importer.addPolicies(account.policy);
  importer.addApplications(account.application);
  return importer.result();
}

/** What an answer says and nobody writes. */
const notWritten = new Set([
  ...["created_at", "updated_at", "uid", "account_id", "zone_id", "managed_by", "app_count"],
  ...["reusable", "count", "read_only", "saml_certificate_set", "last_seen_at", "scim_config"],
  ...["client_secret", "client_secret_hash", "previous_client_secret_expires_at", "auth_domain"],
  ...["is_default"],
]);

/** Fields of an application that keep nobody out. */
const cosmetic = new Set([
  ...["custom_deny_message", "custom_deny_url", "custom_non_identity_deny_url", "logo_url", "tags"],
  ...["app_launcher_visible", "skip_interstitial", "custom_pages"],
]);

class Importer {
  readonly #objects: WrittenObject[] = [];
  readonly #remarks: string[] = [];
  /** kind and id of everything that rules may name */
  readonly #there = new Set<string>();
  readonly #names = new Set<string>();
  /** policies that deny, and could not come: id → name */
  readonly #lostDenials = new Map<unknown, string>();

  result(): Import {
    const order = [...kinds.keys()];
    const objects = this.#objects.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    return { objects, remarks: this.#remarks };
  }

  addOrganization(raw: RawObject): void {
    const kind = organization as unknown as Kind;
    const fields = this.#fitted(kind, writtenIn(raw), labelOf(kind.name, `${raw["name"] ?? ""}`));
    if (fields === undefined) return;
    const name = `${fields["name"] ?? ""}`;
    const id = organizationId;
    this.#objects.push({ kind: kind.name, id, name, input: fields, secrets: [] });
  }

  /** Ids that may be named before their objects are looked at. */
  reserve(kind: string, raws: readonly RawObject[]): void {
    for (const { id } of raws) this.#there.add(`${kind} ${id}`);
  }

  add(kind: Kind, raws: readonly RawObject[]): void {
    for (const raw of raws) {
      const label = labelOf(kind.name, textOf(raw["name"]));
      const written = this.#withKnownRules(kind, this.#named(kind, writtenIn(raw)), label);
      const { fields: own, secrets } = withoutSecrets(kind, written);
      const fields = this.#fitted(kind, own, label);
      if (fields !== undefined) this.#put(kind, fields, secrets);
    }
  }

  addPolicies(raws: readonly RawObject[]): void {
    const kind = policy as unknown as Kind;
    for (const raw of raws) {
      const label = labelOf(kind.name, textOf(raw["name"]));
      const written = this.#withKnownRules(kind, this.#named(kind, writtenIn(raw)), label);
      const fields = this.#fittedPolicy(kind.schema, written, label);
      if (fields !== undefined) this.#put(kind, fields, []);
      else if (written["decision"] === "deny")
        this.#lostDenials.set(written["id"], textOf(written["name"]));
    }
  }

  addApplications(raws: readonly RawObject[]): void {
    const kind = application as unknown as Kind;
    for (const raw of raws) {
      const label = labelOf(kind.name, textOf(raw["name"]));
      const { policies, ...rest } = this.#withServedType(writtenIn(raw), label);
      const entries = this.#policiesIn(policies, `${rest["id"]}`, label);
      const providers = this.#providersIn(rest, label);
      const closing = [...entries.closing, ...providers.closing];
      const own = { ...rest, ...providers.fields, policies: entries.policies };
      const fields = this.#fitted(kind, own, label, closing);
      if (fields === undefined) continue;
      const isClosed = closing.length > 0 && itemsOf({ policies }, "policies").length > 0;
      for (const why of closing) this.#remark(`${label}: ${why}, so it lets nobody in`);
      this.#put(kind, isClosed ? { ...fields, policies: [] } : fields, []);
    }
  }

  /** What Cloudflare shows in a browser has an address there, which a wider one must not answer. */
  #withServedType(written: RawObject, label: string): RawObject {
    const { id, name, aud, type, domain } = written;
    if (!["ssh", "vnc", "rdp"].includes(`${type}`) || typeof domain !== "string") return written;
    this.#remark(`${label}: type ${type} cannot come; its address is kept, and lets nobody in`);
    const own = { id, name, domain, type: "self_hosted", policies: [] };
    return aud === undefined ? own : { ...own, aud };
  }

  /** The policies of an application: links to those that came, and its own. */
  #policiesIn(
    policies: unknown,
    applicationId: string,
    label: string,
  ): { policies: unknown[]; closing: string[] } {
    const closing: string[] = [];
    const entries = itemsOf({ policies }, "policies").filter(isMap).toSorted(byPrecedence);
    const kept = entries.flatMap(({ precedence: _, ...raw }): RawObject[] => {
      const { id } = raw;
      const lost = this.#lostDenials.get(id);
      const name = labelOf(policy.name, lost ?? textOf(raw["name"]));
      if (this.#there.has(`${policy.name} ${id}`)) return [{ id }];
      if (lost !== undefined) closing.push(`its ${name}, which denies, cannot come`);
      if (lost !== undefined || raw["reusable"] === true) return [];
      const written = this.#withKnownRules(policy as unknown as Kind, writtenIn(raw), name);
      const fields = this.#fittedPolicy(inlinePolicy, written, `${label}: ${name}`);
      if (fields === undefined && raw["decision"] === "deny")
        closing.push(`its ${name}, which denies, cannot come`);
      return fields === undefined ? [] : [fields];
    });
    return { policies: withoutMixture(kept, this.#objects, applicationId), closing };
  }

  /** Without providers an application would take all of them. */
  #providersIn({ allowed_idps }: RawObject, label: string) {
    const ids = itemsOf({ allowed_idps }, "allowed_idps");
    const known = ids.filter((id) => this.#there.has(`${identityProvider.name} ${id}`));
    if (ids.length > known.length)
      this.#remark(`${label}: some of its allowed_idps cannot come, and are left out`);
    const isEmpty = ids.length > 0 && known.length === 0;
    return {
      fields: ids.length === 0 ? {} : { allowed_idps: known },
      closing: isEmpty ? ["none of its identity providers can come"] : [],
    };
  }

  /** The fields that fit the schema; undefined where the object cannot be without the others. */
  #fitted(
    kind: Kind,
    written: RawObject,
    label: string,
    closing: string[] = [],
  ): RawObject | undefined {
    const isApplication = kind.name === application.name;
    const judged = (fields: RawObject) => {
      const { fields: whole } = withStandIn(kind, fields, noRandomness);
      return problemsOf(kind.schema, withHash(kind, whole));
    };
    let fields = written;
    for (let problems = judged(fields); problems.length > 0; problems = judged(fields)) {
      const [first] = problems;
      const field = String(first?.path[0] ?? "");
      const why = `${fieldName(first?.path ?? [])} ${first?.what}`.trim();
      if (isApplication && field === "policies" && itemsOf(fields, field).length > 0) {
        closing.push(why);
        fields = { ...fields, policies: [] };
        continue;
      }
      const isKept = ["id", "name", "type", "domain", "client_id", "policies"].includes(field);
      if (!Object.hasOwn(fields, field) || isKept) {
        this.#remark(`${label} is left out: ${why}`);
        return undefined;
      }
      this.#remark(`${label}: left out: ${why}`);
      const isKnown = Object.hasOwn(kind.fields.shape, field);
      if (isApplication && isKnown && !cosmetic.has(field)) closing.push(`${field} cannot come`);
      fields = removeAt(fields, fieldAt(first?.path ?? [])) as RawObject;
    }
    return fields;
  }

  /** A policy comes whole, but for fields that nobody here has heard of, or not at all. */
  #fittedPolicy(schema: Kind["schema"], written: RawObject, label: string): RawObject | undefined {
    let fields = written;
    for (;;) {
      const [first] = problemsOf(schema, fields);
      if (first === undefined) return fields;
      const why = `${fieldName(first.path)} ${first.what}`;
      const field = String(first.path[0] ?? "");
      const isUnknown = first.path.length === 1 && !Object.hasOwn(inlinePolicy.shape, field);
      if (!isUnknown || !Object.hasOwn(fields, field)) {
        this.#remark(`${label} is left out: ${why}`);
        return undefined;
      }
      this.#remark(`${label}: left out: ${why}`);
      fields = removeAt(fields, [field]) as RawObject;
    }
  }

  /** Rules that name what did not come fail closed, wherever they stand. */
  #withKnownRules(kind: Kind, written: RawObject, label: string): RawObject {
    return kind.references(written).reduce<RawObject>((fields, { kind: of, at }) => {
      const [section, place, name] = at;
      const isRule = ["include", "require", "exclude"].includes(String(section));
      if (!isRule || this.#there.has(`${of} ${valueAt(fields, at)}`)) return fields;
      const field = fieldName(at.slice(0, 2));
      this.#remark(
        `${label}: ${field}: the ${kinds.get(of)?.noun} of ${name} does not come, so the rule fails closed`,
      );
      const rule = { not_imported: valueAt(fields, at.slice(0, 2)) };
      return replaceAt(fields, [section ?? "", place ?? 0], rule) as RawObject;
    }, written);
  }

  /** Names are references here, so that no two objects of a kind may share one. */
  #named(kind: Kind, written: RawObject): RawObject {
    const { id, name } = written;
    if (kind.naming !== "unique" || typeof name !== "string") return written;
    const isTaken = this.#names.has(`${kind.name} ${name}`);
    const own = isTaken ? `${name} (${id})` : name;
    if (isTaken)
      this.#remark(`${labelOf(kind.name, name)}: another has this name; it is now ${own}`);
    this.#names.add(`${kind.name} ${own}`);
    return { ...written, name: own };
  }

  #put(kind: Kind, fields: RawObject, secrets: string[]): void {
    const [id, name] = [`${fields["id"]}`, `${fields["name"]}`];
    this.#there.add(`${kind.name} ${id}`);
    this.#objects.push({ kind: kind.name, id, name, input: fields, secrets });
  }

  #remark(line: string): void {
    this.#remarks.push(line);
  }
}

/** What is taken out of an object for a fault: a field of it, or one of its config. */
function fieldAt(path: FieldPath): FieldPath {
  return path.slice(0, path[0] === "config" ? 2 : 1);
}

/** What somebody wrote of an object, without what is null. */
function writtenIn(raw: RawObject): RawObject {
  const fields = Object.entries(raw).filter(
    ([field, value]) => !notWritten.has(field) && value !== null && value !== undefined,
  );
  return Object.fromEntries(fields);
}

function textOf(name: unknown): string {
  return typeof name === "string" ? name : "";
}

function withoutSecrets(kind: Kind, written: RawObject): { fields: RawObject; secrets: string[] } {
  if (kind.name === serviceToken.name) return { fields: written, secrets: ["client_secret"] };
  const { redirect_url: _, ...config } = isMap(written["config"]) ? written["config"] : {};
  const whole = kind.name === identityProvider.name ? { ...written, config } : written;
  const known = kind.secrets.filter(({ at }) => valueAt(whole, at) !== undefined);
  const fields = known.reduce<unknown>((rest, { at }) => removeAt(rest, at), whole);
  return { fields: fields as RawObject, secrets: known.map(({ at }) => fieldName(at)) };
}

/** A token is judged as if its secret were there. */
function withHash(kind: Kind, fields: RawObject): RawObject {
  return kind.name === serviceToken.name
    ? { ...fields, client_secret_hash: "0".repeat(64) }
    : fields;
}

function problemsOf(schema: Kind["schema"], fields: RawObject): readonly Problem[] {
  const report = createReport();
  readValue(schema, fields, report);
  return report.problems;
}

/** What stands in is thrown away. */
const noRandomness = (size: number): Buffer => Buffer.alloc(size);

function byPrecedence(one: RawObject, other: RawObject): number {
  const [first, second] = [one["precedence"], other["precedence"]];
  return typeof first === "number" && typeof second === "number" ? first - second : 0;
}

/** An application here links to reusable policies alone, or has policies of its own alone. */
function withoutMixture(
  entries: readonly RawObject[],
  objects: readonly WrittenObject[],
  applicationId: string,
): RawObject[] {
  const isOwn = (entry: RawObject) => "decision" in entry;
  if (entries.every(isOwn) || !entries.some(isOwn)) return [...entries];
  return entries.map((entry) => {
    if (isOwn(entry)) return entry;
    const linked = objects.find(({ kind, id }) => kind === policy.name && id === entry["id"]);
    const copy = linked?.input ?? {};
    return { ...copy, id: derivedId(policy.name, applicationId, `${copy["name"]}`) };
  });
}
