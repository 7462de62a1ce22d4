// Service tokens by the API (access-api 2.3, 3.4): made here, secret and all. A secret is in the
// answer to what made it, and in no other.
import type { ObjectEdit } from "../../catalog/changing-catalog.ts";
import { objectKeyOf, type Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import type { Kind } from "../../model/kind.ts";
import { isMap } from "../../model/read-value.ts";
import { type ServiceToken, serviceToken } from "../../model/service-token.ts";
import { randomUuid } from "../../random.ts";
import type { StoredAuditEntry } from "../../storage/admin-records.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type AuditedChange, auditEntry, recordChange } from "../audit.ts";
import { pageOf } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { judgeObject, refuseInUse, withoutNulls, worldOf } from "./judge-object.ts";
import { byName, bySearch } from "./object-resource.ts";
import {
  defaultDuration,
  inputOf,
  type NewSecret,
  readGrace,
  refreshed,
  showServiceToken,
  withExpiry,
  withNewSecret,
  withoutGrace,
} from "./service-token-changes.ts";

const path = "/access/service_tokens";
const one = `${path}/:id`;
const read = "service_tokens:read";
const write = "service_tokens:write";
const kind = serviceToken as Kind;
const body = serviceToken.fields;

/** The routes of service tokens. */
export function serviceTokenRoutes(parts: AdminParts): Route[] {
  const tokens = new ServiceTokenEndpoint(parts);
  return [
    {
      ...{ method: "GET", path, permission: read, summary: "List service tokens" },
      handle: (call) => tokens.list(call),
    },
    {
      ...{ method: "POST", path, permission: write, body, status: 201 },
      summary: "Create a service token; the answer alone has its secret",
      handle: (call) => tokens.create(call),
    },
    {
      ...{ method: "GET", path: one, permission: read, summary: "Read one service token" },
      handle: (call) => tokens.read(call),
    },
    {
      ...{ method: "PUT", path: one, permission: write, body },
      summary: "Change a service token; a higher client_secret_version makes a new secret",
      handle: (call) => tokens.update(call),
    },
    {
      ...{ method: "DELETE", path: one, permission: write },
      summary: "Delete a service token",
      handle: (call) => tokens.remove(call),
    },
    {
      ...{ method: "POST", path: `${one}/refresh`, permission: write },
      summary: "Let a service token hold for a year from now",
      handle: (call) => tokens.refresh(call),
    },
    {
      ...{ method: "POST", path: `${one}/rotate`, permission: write, body },
      summary: "Make a new secret; the one before may hold for a while",
      handle: (call) => tokens.rotate(call),
    },
  ];
}

/** What a write comes to: the token as it is to be, or why nothing is changed. */
type Wish =
  | { ok: true; token: ServiceToken; secret?: NewSecret | undefined; answer?: Answer }
  | (Answer & { ok: false });

class ServiceTokenEndpoint {
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  async list({ query, token }: Call): Promise<Answer> {
    // What is for some applications alone has no business with credentials for all.
    const records = token.applications === null ? this.#all() : [];
    const lastUses = await this.#lastUses(records);
    const show = (record: ObjectRecord) => showServiceToken(record, lastUses.get(record.object.id));
    const { name, search } = Object.fromEntries(query);
    const isExact = query.get("exact") === "true";
    const wanted = records.filter((record) => {
      const shown = show(record);
      if (name !== undefined && name !== "" && !byName(shown, name, isExact)) return false;
      return search === undefined || search === "" || bySearch(shown, search, false);
    });
    return pageOf(wanted, query, show);
  }

  async read({ params, token }: Call): Promise<Answer> {
    const record = this.#find(params["id"], token, this.#parts.catalogs.records());
    if (record === undefined) return fail("not_found");
    const lastUses = await this.#lastUses([record]);
    return succeed(showServiceToken(record, lastUses.get(record.object.id)));
  }

  create(call: Call): Promise<Answer> {
    const { randomBytes, now } = this.#parts;
    const id = randomUuid(randomBytes);
    return this.#edit(call, id, 201, (_standing, records) => {
      if (call.token.applications !== null) return failed(fail("not_permitted"));
      const written = writtenIn(call.body);
      if (written === undefined) return failed(fail("bad_request", notAnObject));
      const { previous_client_secret_expires_at: _, ...fields } = written;
      const secret = withNewSecret({}, undefined, this.#parts);
      const duration = fields["duration"] ?? defaultDuration;
      const client_id = `${randomBytes(16).toString("hex")}.access`;
      const judged = this.#judge(id, { ...fields, duration, client_id, ...secret.fields }, records);
      if (!judged.ok) return judged;
      return { ok: true, token: withExpiry(judged.token, now()), secret };
    });
  }

  /** Fields that are not there stay as they are. */
  update(call: Call): Promise<Answer> {
    const { now } = this.#parts;
    return this.#edit(call, call.params["id"] ?? "", 200, (standing, records) => {
      if (standing === undefined) return failed(fail("not_found"));
      const before = standing.object as ServiceToken;
      const written = writtenIn(call.body);
      if (written === undefined) return failed(fail("bad_request", notAnObject));
      const grace = readGrace(written);
      if (!grace.ok) return failed(grace);
      const { previous_client_secret_expires_at: _, ...fields } = written;

      // 1. A higher version asks for a new secret.
      const version = before.client_secret_version ?? 1;
      const wanted = fields["client_secret_version"] ?? version;
      if (typeof wanted === "number" && wanted < version)
        return failed(
          fail("invalid", `client_secret_version is below ${version}.`, versionPointer),
        );
      const isRaised = typeof wanted === "number" && wanted > version;
      const secret = isRaised ? withNewSecret(before, grace.until, this.#parts) : undefined;

      // 2. Whether the token may be so.
      const ending = secret === undefined ? movedGrace(before, written) : secret.fields;
      const changed = { ...inputOf(before), ...fields, ...ending };
      const judged = this.#judge(before.id, changed, records);
      if (!judged.ok) return judged;

      // 3. A duration counts from now, and switching off ends a secret that is left for a while.
      const token = "duration" in fields ? withExpiry(judged.token, now()) : judged.token;
      return { ok: true, token: token.enabled ? token : withoutGrace(token), secret };
    });
  }

  refresh(call: Call): Promise<Answer> {
    const { now } = this.#parts;
    return this.#edit(call, call.params["id"] ?? "", 200, (standing) => {
      if (standing === undefined) return failed(fail("not_found"));
      return { ok: true, token: refreshed(standing.object as ServiceToken, now()) };
    });
  }

  rotate(call: Call): Promise<Answer> {
    return this.#edit(call, call.params["id"] ?? "", 200, (standing, records) => {
      if (standing === undefined) return failed(fail("not_found"));
      const before = standing.object as ServiceToken;
      const grace = readGrace(writtenIn(call.body) ?? {});
      if (!grace.ok) return failed(grace);
      const secret = withNewSecret(before, grace.until, this.#parts);
      const judged = this.#judge(before.id, { ...inputOf(before), ...secret.fields }, records);
      return judged.ok ? { ...judged, secret } : judged;
    });
  }

  async remove(call: Call): Promise<Answer> {
    const lastUses = await this.#lastUses(this.#all());
    const answer = await this.#write(call, (records) => {
      const standing = this.#find(call.params["id"], call.token, records);
      if (standing === undefined) return refused(fail("not_found"));
      if (standing.managedBy === "file") return refused(fail("managed_by_file"));
      const inUse = refuseInUse(standing, records);
      if (inUse !== undefined) return refused(inUse);
      const { id, name } = standing.object;
      const before = showServiceToken(standing, lastUses.get(id));
      const change = { action: "deleted", kind: kind.name, id, name, before };
      return { put: [], remove: [objectKeyOf(standing)], result: succeed(before), change };
    });
    if (answer.ok) await this.#parts.store.tokenUses.forget([call.params["id"] ?? ""]);
    return answer;
  }

  /** Lets one token be changed. @param propose is told of the token that stands, if there is one */
  #edit(
    call: Call,
    id: string,
    status: number,
    propose: (standing: ObjectRecord | undefined, records: Records) => Wish,
  ): Promise<Answer> {
    return this.#write(call, (records) => {
      const standing = this.#find(id, call.token, records);
      if (standing?.managedBy === "file") return refused(fail("managed_by_file"));
      const wish = propose(standing, records);
      if (!wish.ok) return refused(wish);
      const { token: object, secret } = wish;
      const updatedAt = this.#parts.now();
      const record: ObjectRecord = {
        ...{ kind: "service_token", object, managedBy: "api" },
        ...{ createdAt: standing?.createdAt ?? updatedAt, updatedAt },
      };
      const after = showServiceToken(record);
      const shown = secret === undefined ? after : { ...after, client_secret: secret.text };
      const before = standing && showServiceToken(standing);
      const action = standing === undefined ? "created" : "updated";
      const change = { action, kind: kind.name, id, name: object.name, before, after };
      return { put: [record], remove: [], result: succeed(shown, status), change };
    });
  }

  async #write(
    call: Call,
    propose: (records: Records) => Omit<ObjectEdit<Answer>, "audit"> & { change?: AuditedChange },
  ): Promise<Answer> {
    let entry: StoredAuditEntry | undefined;
    const answer = await this.#parts.edit((records) => {
      const { change, ...edit } = propose(records);
      entry = change && auditEntry(call, change, this.#parts);
      return { ...edit, audit: entry === undefined ? [] : [entry] };
    });
    if (entry !== undefined) recordChange(entry, this.#parts);
    return answer;
  }

  #judge(id: string, fields: object, records: Records): Wish {
    const world = worldOf(records, keyOf(kind.name, id), this.#parts.config);
    const judgement = judgeObject(kind, { ...fields, id }, world);
    if (!judgement.ok) return judgement;
    return { ok: true, token: judgement.object as ServiceToken };
  }

  #all(): ObjectRecord[] {
    return [...this.#parts.catalogs.records().values()]
      .filter((record) => record.kind === kind.name)
      .toSorted((a, b) => a.createdAt - b.createdAt || (a.object.id < b.object.id ? -1 : 1));
  }

  #find(id: string | undefined, token: Call["token"], records: Records): ObjectRecord | undefined {
    if (token.applications !== null) return undefined;
    return records.get(keyOf(kind.name, id ?? ""));
  }

  async #lastUses(records: readonly ObjectRecord[]): Promise<ReadonlyMap<string, number>> {
    const ids = records.map(({ object }) => object.id);
    const uses = await this.#parts.store.tokenUses.find(ids);
    return new Map(uses.map(({ id, last_used_at }) => [id, last_used_at]));
  }
}

const notAnObject = "The body must be a JSON object.";
const versionPointer = "/client_secret_version";

/** What the gateway writes alone: whoever sends a token back may leave it in. */
const readOnly: ReadonlySet<string> = new Set([
  "id",
  "client_id",
  "client_secret",
  "client_secret_hash",
  "previous_client_secret_hash",
  "created_at",
  "updated_at",
  "expires_at",
  "last_seen_at",
  "managed_by",
]);

/** What somebody wrote; undefined where it is no object. */
function writtenIn(sent: unknown): Record<string, unknown> | undefined {
  if (!isMap(sent)) return undefined;
  const own = Object.entries(sent).filter(([field]) => !readOnly.has(field));
  return withoutNulls(Object.fromEntries(own)) as Record<string, unknown>;
}

/** Another end of the grace that is running, where one is. */
function movedGrace(before: ServiceToken, written: Record<string, unknown>): object {
  const { previous_client_secret_expires_at: end } = written;
  if (before.previous_client_secret_hash === undefined || end === undefined) return {};
  return { previous_client_secret_expires_at: end };
}

function failed(answer: Answer): Wish {
  return answer as Wish;
}

function refused(result: Answer): Omit<ObjectEdit<Answer>, "audit"> {
  return { put: [], remove: [], result };
}
