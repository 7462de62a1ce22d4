// Puts configurations into force: the file's objects go to the store, only where they differ, and a
// new catalog takes the place of the old one. Objects of the API are never touched. What cannot be
// put into force changes nothing, and what changes nothing leaves the catalog as it is: caches hang
// on it.
import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Config } from "../config/load-config.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { Store, StoredObject } from "../storage/store.ts";
import { buildCatalog } from "./build-catalog.ts";
import type { Catalog, CatalogSource } from "./catalog.ts";
import {
  type ConfiguredRecord,
  keyOf,
  openObject,
  recordsOf,
  sealBody,
} from "./configured-records.ts";

export interface ChangingCatalogSource extends CatalogSource {
  /**
   * Puts a configuration into force.
   * @throws {ConfigError} when it contradicts objects of the API; then nothing has changed
   */
  apply(config: Config): Promise<void>;
  /**
   * Reads the store again, after another process changed it.
   * @throws {Error} when what stands there cannot be used; then the catalog stays as it is
   */
  refresh(): Promise<void>;
}

export interface CatalogSourceDeps {
  store: Pick<Store, "objects">;
  secretBox: SecretBox;
  /** put into force before anything is answered */
  config: Config;
  now: Clock;
}

interface InForce {
  config: Config;
  catalog: Catalog;
  /** all that the catalog is made from */
  madeFrom: string;
}

/**
 * Puts the configuration into force.
 * @throws {ConfigError} as `apply` does
 * @throws {Error} when the store was sealed with another secret key
 */
export async function createCatalogSource({
  store,
  secretBox,
  config,
  now,
}: CatalogSourceDeps): Promise<ChangingCatalogSource> {
  let inForce = await put(config, undefined);
  let turn: Promise<unknown> = Promise.resolve();

  /** One change after the other: each begins with what the one before left in the store. */
  function inTurn(change: () => Promise<InForce>): Promise<void> {
    const mine = turn.then(async () => {
      inForce = await change();
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function put(next: Config, before: InForce | undefined): Promise<InForce> {
    const change = difference(await store.objects.all(), next, secretBox, now());
    // The catalog first: it finds out what cannot be, before anything is written.
    const result = make(change.objects, next, before, secretBox);
    if (change.put.length + change.remove.length > 0)
      await store.objects.change(change.put, change.remove);
    return result;
  }

  return {
    current: () => inForce.catalog,
    apply: (next) => inTurn(() => put(next, inForce)),
    refresh: () =>
      inTurn(async () => make(await store.objects.all(), inForce.config, inForce, secretBox)),
  };
}

/**
 * The catalog as the store has it, for a program that must not change it: the file may have been
 * edited since.
 * @throws {Error} when the store was sealed with another secret key
 */
export async function readCatalog({
  store,
  secretBox,
  config,
}: Omit<CatalogSourceDeps, "now">): Promise<CatalogSource> {
  const { catalog } = make(await store.objects.all(), config, undefined, secretBox);
  return { current: () => catalog };
}

interface Difference {
  put: StoredObject[];
  remove: StoredObject[];
  /** all objects, as they are afterwards */
  objects: StoredObject[];
}

function difference(
  stored: readonly StoredObject[],
  config: Config,
  secretBox: SecretBox,
  now: number,
): Difference {
  const standing = new Map(stored.map((object) => [keyOf(object), object]));
  const fromFile = recordsOf(config).map((record) =>
    toStored(record, standing.get(keyOf(record)), secretBox, now),
  );
  const kept = new Set(fromFile.map(keyOf));
  return {
    put: fromFile.filter((object) => standing.get(keyOf(object)) !== object),
    remove: stored.filter((object) => object.managed_by === "file" && !kept.has(keyOf(object))),
    objects: [...fromFile, ...stored.filter((object) => object.managed_by === "api")],
  };
}

/** What stands, when it says the same: sealing gives another text each time. */
function toStored(
  record: ConfiguredRecord,
  standing: StoredObject | undefined,
  secretBox: SecretBox,
  now: number,
): StoredObject {
  const { kind, id, name } = record;
  if (standing?.managed_by === "api") {
    throw new ConfigError(
      `the ${kind.replace("_", " ")} "${id}" belongs to the API already; give the one in the file another id`,
    );
  }
  const aud =
    kind === "application"
      ? (record.aud ?? standing?.aud ?? randomBytes(32).toString("hex"))
      : null;
  const wanted = { ...record, aud };
  // With another secret key nothing is written: whoever has the right one would no longer read it.
  const opened = standing && open(standing, secretBox);
  if (standing !== undefined && JSON.stringify(opened) === JSON.stringify(wanted)) return standing;
  const body = sealBody(wanted, secretBox);
  return {
    kind,
    id,
    name,
    aud,
    managed_by: "file",
    body,
    created_at: standing?.created_at ?? now,
    updated_at: now,
  };
}

function make(
  objects: readonly StoredObject[],
  config: Config,
  before: InForce | undefined,
  secretBox: SecretBox,
): InForce {
  const places = new Map(recordsOf(config).map((record, index) => [keyOf(record), index]));
  const placeOf = (object: StoredObject) => places.get(keyOf(object)) ?? places.size;
  // The file's order is what people see on the sign-in page; the store has another.
  const records = objects
    .toSorted((a, b) => placeOf(a) - placeOf(b))
    .map((object) => open(object, secretBox));
  const { issuer, auth_domain, team_host, relay_hosts, ingress } = config;
  const madeFrom = JSON.stringify([records, issuer, auth_domain, team_host, relay_hosts, ingress]);
  const catalog = madeFrom === before?.madeFrom ? before.catalog : buildCatalog(records, config);
  return { config, catalog, madeFrom };
}

function open(object: StoredObject, secretBox: SecretBox): ConfiguredRecord {
  const record = openObject(object, secretBox);
  if (record !== undefined) return record;
  const what = `the stored ${object.kind.replace("_", " ")} "${object.name}" cannot be opened`;
  throw new Error(
    `${what}: its secret was sealed with another key; bring back the file that secret_key_file named`,
  );
}
