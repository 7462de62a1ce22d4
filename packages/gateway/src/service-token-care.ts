// What becomes of service tokens by themselves: those that nobody uses are disabled or deleted, as
// the organization says, and those that end soon are told of. Of all gateways of a store one does
// it at a time, now and then.
import { showServiceToken, withoutGrace } from "./admin/resources/service-token-changes.ts";
import { objectKeyOf, type Records } from "./catalog/records.ts";
import { referrersOf } from "./catalog/references.ts";
import type { ObjectRecord } from "./catalog/stored-objects.ts";
import type { Parts } from "./compose.ts";
import type { Organization, ServiceTokenInactivity } from "./model/organization.ts";
import type { ServiceToken } from "./model/service-token.ts";
import { randomUuid } from "./random.ts";
import type { StoredAuditEntry } from "./storage/admin-records.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
/** How long one look keeps other gateways from another, milliseconds. */
const lookWindow = 55 * minute;
/** How long before its end a token is told of, milliseconds (access-features 14). */
const warningTime = 7 * day;
/** Looks that are further apart: no gateway ran meanwhile, or a clock was wrong, milliseconds. */
const longestGap = 2 * day;

type CareParts = Pick<Parts, "catalogs" | "store" | "record" | "now" | "randomBytes">;

/** Looks after service tokens. */
export class ServiceTokenCare {
  readonly #parts: CareParts;

  constructor(parts: CareParts) {
    this.#parts = parts;
  }

  /** @throws {Error} when the store cannot be used */
  async look(): Promise<void> {
    if (!(await this.#isFirst("service-token-care", lookWindow))) return;
    await this.#tellOfEnds();
    const since = await this.#trackedSince();
    const inactivity = inactivityOf(this.#parts.catalogs.current().organization);
    if (inactivity !== undefined) await this.#endUnused(inactivity, since);
  }

  /** A token that ends soon is told of once a day, by whichever gateway comes first. */
  async #tellOfEnds(): Promise<void> {
    const { catalogs, now, record } = this.#parts;
    for (const token of catalogs.current().serviceTokenByClientId.values()) {
      const { id, name, client_id, enabled, expires_at = Number.POSITIVE_INFINITY } = token;
      const left = expires_at - now();
      if (!enabled || left <= 0 || left > warningTime) continue;
      if (!(await this.#isFirst(`service-token-end ${id}`, day))) continue;
      const days = Math.floor(left / day);
      record({
        event: "service_token_expiring",
        name,
        client_id,
        expires_at: textOf(expires_at),
        days,
      });
    }
  }

  async #endUnused(inactivity: ServiceTokenInactivity, since: number): Promise<void> {
    const { catalogs, store, now, record } = this.#parts;
    const { action, inactivity_threshold_days } = inactivity;
    const before = now() - inactivity_threshold_days * day;

    // 1. When each was used last: what is noted since then is never older than what is read here.
    const ids = tokensIn(catalogs.records()).map(({ object }) => object.id);
    const uses = await store.tokenUses.find(ids);
    const usedAt = new Map(uses.map(({ id, last_used_at }) => [id, last_used_at]));

    // 2. Those that were not are changed, in one step with what is written down of it.
    const ended = await catalogs.edit((records) => {
      const unused = tokensIn(records).filter((each) =>
        isUnused(each, records, { before, since, usedAt }),
      );
      const ended = unused.filter(({ managedBy }) => managedBy === "api");
      const changes = ended.map((each) => ({ before: each, after: disabled(each, now()) }));
      return {
        put: action === "disable" ? changes.map(({ after }) => after) : [],
        remove: action === "delete" ? ended.map(objectKeyOf) : [],
        audit: changes.map((change) => this.#auditEntry(change, action)),
        result: { ended, ofFile: unused.filter(({ managedBy }) => managedBy === "file") },
      };
    });

    // 3. It is told, also of those that the file alone may change.
    if (action === "delete")
      await store.tokenUses.forget(ended.ended.map(({ object }) => object.id));
    const tell = ({ object }: ObjectRecord, done: "disable" | "delete" | "none") => {
      const { id, name, client_id } = object as ServiceToken;
      const last_used_at = usedAt.has(id) ? textOf(usedAt.get(id) ?? 0) : undefined;
      record({ event: "service_token_unused", name, client_id, last_used_at, action: done });
    };
    for (const each of ended.ended) tell(each, action);
    for (const each of ended.ofFile) {
      if (await this.#isFirst(`service-token-unused ${each.object.id}`, day)) tell(each, "none");
    }
  }

  #auditEntry(
    change: { before: ObjectRecord; after: ObjectRecord },
    action: ServiceTokenInactivity["action"],
  ): StoredAuditEntry {
    const { now, randomBytes } = this.#parts;
    const { id, name } = change.before.object;
    const isKept = action === "disable";
    return {
      id: randomUuid(randomBytes),
      created_at: now(),
      ...{ token_id: "", token_name: "service_token_inactivity", ip: "", ray: "" },
      ...{ action: isKept ? "updated" : "deleted", kind: "service_token", ref: id, name },
      before: JSON.stringify(showServiceToken(change.before)),
      after: isKept ? JSON.stringify(showServiceToken(change.after)) : null,
    };
  }

  /**
   * Since when uses are noted in this store without a break: before that, not to be noted says
   * nothing. While no gateway ran nobody could use a token, and a clock that went wrong for an hour
   * must end none.
   */
  async #trackedSince(): Promise<number> {
    const { settings } = this.#parts.store;
    const now = this.#parts.now();
    const before = Number((await settings.find("service_token_looked_at")) ?? now);
    if (Math.abs(now - before) > longestGap)
      await settings.set("service_token_uses_since", `${now}`);
    await settings.set("service_token_looked_at", `${now}`);
    return Number(await settings.get("service_token_uses_since", `${now}`));
  }

  async #isFirst(what: string, windowMs: number): Promise<boolean> {
    const { store, now } = this.#parts;
    return (await store.counters.count(what, windowMs, now())) === 1;
  }
}

function inactivityOf({
  service_token_inactivity: inactivity,
}: Organization): ServiceTokenInactivity | undefined {
  return inactivity?.enabled === true ? inactivity : undefined;
}

function tokensIn(records: Records): ObjectRecord[] {
  return [...records.values()].filter(({ kind }) => kind === "service_token");
}

/**
 * Whether a token that could be used was not, for as long as is allowed, and no policy or group
 * names it. One that an administrator has made or changed since is not given up yet.
 */
function isUnused(
  token: ObjectRecord,
  records: Records,
  { before, since, usedAt }: { before: number; since: number; usedAt: ReadonlyMap<string, number> },
): boolean {
  const { object, createdAt, updatedAt } = token;
  const isRecent = Math.max(createdAt, updatedAt, since, usedAt.get(object.id) ?? 0) > before;
  if (isRecent || !(object as ServiceToken).enabled) return false;
  return referrersOf(token, records).length === 0;
}

/** A secret that was left for a while ends as well, for good. */
function disabled(record: ObjectRecord, now: number): ObjectRecord {
  const token = withoutGrace(record.object as ServiceToken);
  const object: ServiceToken = { ...token, enabled: false };
  return { ...record, object, updatedAt: now };
}

function textOf(time: number): string {
  return new Date(time).toISOString();
}
