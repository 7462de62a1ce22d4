// Puts configurations into force. What is in force is kept in memory, object by object: a changed
// file or a change of another process touches only the objects that differ, in the store as well.
// Objects of the API are never touched by a file. What cannot be put into force changes nothing,
// and what changes nothing leaves the catalog as it is: caches depend on it.
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.ts";
import { keyOf, objectsOf } from "../config/config-objects.ts";
import {
  type ConfigUpdate,
  type KnownConfig,
  nothingKnown,
  updateOf,
} from "../config/config-update.ts";
import type { Config } from "../config/load-config.ts";
import type { RandomBytes } from "../random.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { ObjectKey, Store } from "../storage/store.ts";
import { StoreUnavailableError } from "../store-unavailable.ts";
import type { Catalog, CatalogSource } from "./catalog.ts";
import { CatalogBuilder } from "./catalog-builder.ts";
import type {
  ApproveRemovals,
  CatalogChange,
  CatalogFrame,
  ChangingCatalogSource,
  ProposeEdit,
} from "./changing-catalog.ts";
import { type CountryLookup, noCountries } from "./countries.ts";
import { differenceOf } from "./difference.ts";
import {
  changedKeys,
  frameOf,
  type InForce,
  isSameContent,
  type State,
  stateOf,
} from "./in-force.ts";
import { OutdatedObjects } from "./outdated-objects.ts";
import { inOrder, keyOfObject, objectKeyOf, type Records, readRows, toRows } from "./records.ts";
import { describeObject, describeObjects } from "./removals.ts";
import { runAtOnce, runInSlices } from "./steps.ts";
import type { ObjectRecord } from "./stored-objects.ts";

/** How often a change is judged anew because another process was quicker. */
const mostTries = 50;

/** What catalogs are made with. */
export interface CatalogDeps {
  store: Pick<Store, "objects">;
  secretBox: SecretBox;
  now: Clock;
  randomBytes: RandomBytes;
  /** where addresses are, as known now; `refresh` puts another answer into force */
  countries?: () => CountryLookup;
  /** is told what a file has removed, each object as people know it */
  onRemoval?: (objects: readonly string[]) => void;
  /** is told which stored objects of another file the first configuration changed or removed */
  onOverruling?: (objects: readonly string[]) => void;
}

/** What a catalog source is made with. */
export interface CatalogSourceDeps extends CatalogDeps {
  /** put into force before anything is answered */
  config: Config;
}

/**
 * Puts the configuration into force.
 * @throws {ConfigError} as `apply` does
 * @throws {Error} when the store was sealed with another secret key, or is damaged
 */
export async function createCatalogSource(deps: CatalogSourceDeps): Promise<ChangingCatalogSource> {
  const source = new StoredCatalogs(deps);
  await source.apply(deps.config);
  return source;
}

/**
 * The catalog as another process of the store has it. It follows that process (`adopt`) and no
 * file.
 * @throws {Error} when the store was sealed with another secret key, or is damaged
 */
export async function adoptCatalog(
  deps: CatalogDeps,
  frame: CatalogFrame,
): Promise<ChangingCatalogSource> {
  const source = new StoredCatalogs(deps);
  await source.adopt({ frame, objects: [] });
  return source;
}

/**
 * The catalog as the store has it, for a program that must not change it: the file may have been
 * edited since.
 * @throws {Error} when the store was sealed with another secret key, or is damaged
 */
export async function readCatalog({
  store,
  secretBox,
  config,
}: Pick<CatalogSourceDeps, "store" | "secretBox" | "config">): Promise<CatalogSource> {
  const records = runAtOnce(readRows(await store.objects.all(), secretBox));
  const objects = inOrder(records, objectsOf(config).map(keyOfObject));
  const content = { objects, settings: config, ingress: config.ingress };
  const catalog = runAtOnce(new CatalogBuilder().build(content));
  return { current: () => catalog };
}

class StoredCatalogs implements ChangingCatalogSource {
  readonly #deps: CatalogDeps;
  readonly #builder = new CatalogBuilder();
  readonly #outdated = new OutdatedObjects();
  #inForce: InForce | undefined;
  /** of another process, until it is in force */
  #adoptedFrame: CatalogFrame | undefined;
  #lastTurn: Promise<unknown> = Promise.resolve();
  /** where the changes of all processes stood when they were looked for last */
  #position: number | undefined;
  #listener: (change: CatalogChange) => void = () => undefined;

  constructor(deps: CatalogDeps) {
    this.#deps = deps;
  }

  current(): Catalog {
    if (this.#inForce === undefined) throw new Error("no configuration is in effect yet");
    return this.#inForce.catalog;
  }

  async apply(config: Config): Promise<void> {
    await this.#inTurn(() => this.#applyUpdate(updateOf(config, nothingKnown)));
  }

  async reload<Update extends ConfigUpdate>(
    read: (knownConfig: KnownConfig) => Promise<Update>,
    approve?: ApproveRemovals,
  ): Promise<Update> {
    for (;;) {
      const update = await read(this.#inForce?.knownConfig ?? nothingKnown);
      const isApplied = await this.#inTurn(() => this.#applyUpdate(update, approve));
      if (isApplied) return update;
    }
  }

  edit<Result>(propose: ProposeEdit<Result>): Promise<Result> {
    return this.#inTurn(() => this.#applyEdit(propose));
  }

  records(): Records {
    if (this.#inForce === undefined) throw new Error("no configuration is in effect yet");
    return this.#inForce.records;
  }

  async refresh(objects: readonly ObjectKey[] | "all" = "all"): Promise<void> {
    this.#outdated.add(objects);
    await this.#inTurn(() => this.#takeOver());
  }

  async adopt({ frame, objects }: CatalogChange): Promise<void> {
    this.#adoptedFrame = frame;
    await this.refresh(objects);
  }

  frame(): CatalogFrame {
    if (this.#inForce === undefined) throw new Error("no configuration is in effect yet");
    return frameOf(this.#inForce);
  }

  onChange(listener: (change: CatalogChange) => void): void {
    this.#listener = listener;
  }

  overruled(): string[] {
    if (this.#inForce === undefined) return [];
    const { records, order, knownConfig } = this.#inForce;
    const ofFile = new Set(order);
    const changedKeys = order.filter((key) => !knownConfig.objects.has(key));
    const addedRecords = [...records]
      .filter(([key, { managedBy }]) => managedBy === "file" && !ofFile.has(key))
      .map(([, record]) => record);
    const changedObjects = changedKeys.map((key) => {
      const record = records.get(key);
      // What was removed is known by its key alone.
      return record === undefined ? key : describeObject(record);
    });
    return [...changedObjects, ...addedRecords.map(describeObject)];
  }

  /** One change after the other: each begins with what the one before left. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const turn = this.#lastTurn.then(change);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  /** @returns false when the update is the difference to another state than the one in force */
  async #applyUpdate(update: ConfigUpdate, approve?: ApproveRemovals): Promise<boolean> {
    const { store, secretBox, now, randomBytes, onRemoval, onOverruling } = this.#deps;
    const outcome = await this.#unlessOvertaken<boolean>(async (outdated) => {
      // 1. Read again what is to change: another process may have done so already.
      const touched = outdated === "all" ? outdated : [...outdated, ...this.#touchedBy(update)];
      const { standing, position } = await this.#readNews(touched);
      const ingress = update.ingress ?? this.#inForce?.content.ingress;
      if (ingress === undefined || !this.#hasRest(update, standing)) return "impossible";

      // 2. Find the difference, and make the catalog of it: that finds out what cannot be, before
      // anything is written.
      const tools = { now: now(), makeAud: () => randomBytes(32).toString("hex") };
      const { records, put, remove } = await runInSlices(differenceOf(update, standing, tools));
      approve?.(remove, standing);
      const order = [...update.objects.keys()];
      const next = await this.#build({
        content: { objects: inOrder(records, order), settings: update.settings, ingress },
        records,
        order,
        knownConfig: { objects: update.objects, ingressFingerprint: update.ingressFingerprint },
      });

      // 3. Write what differs.
      const rows = await runInSlices(toRows(put, secretBox));
      const hasChanges = rows.length + remove.length > 0;
      const end = hasChanges ? await store.objects.change(rows, remove, [], position) : position;
      if (end === undefined) return "overtaken";
      const isFirst = this.#inForce === undefined;
      this.#putIntoForce(next, end);

      // 4. Tell what another file had put there.
      if (remove.length > 0) onRemoval?.(describeObjects(remove, standing));
      const overruled = describeObjects([...put.map(objectKeyOf), ...remove], standing);
      if (isFirst && overruled.length > 0) onOverruling?.(overruled);
      return { result: true };
    });
    return outcome !== undefined;
  }

  /** The objects that an update changes or removes. */
  #touchedBy({ objects, changedObjects }: ConfigUpdate): ObjectKey[] {
    const removedRecords = [...(this.#inForce?.records ?? [])]
      .filter(([key, { managedBy }]) => managedBy === "file" && !objects.has(key))
      .map(([, record]) => record);
    return [...changedObjects, ...removedRecords].map(objectKeyOf);
  }

  /** Whether everything that an update leaves out, because it was known, is what it was then. */
  #hasRest({ objects, changedObjects }: ConfigUpdate, standing: Records): boolean {
    const changedKeys = new Set(changedObjects.map(keyOfObject));
    const inForce = this.#inForce;
    for (const [key, fingerprint] of objects) {
      if (changedKeys.has(key)) continue;
      if (inForce?.knownConfig.objects.get(key) !== fingerprint) return false;
      if (inForce.records.get(key) !== standing.get(key)) return false;
    }
    return true;
  }

  async #applyEdit<Result>(propose: ProposeEdit<Result>): Promise<Result> {
    const { store, secretBox } = this.#deps;
    const outcome = await this.#unlessOvertaken<Result>(async (outdated) => {
      // 1. Let the change be made of what is stored by now.
      const inForce = this.#inForce;
      if (inForce === undefined) throw new Error("no configuration is in effect yet");
      const { standing, position } = await this.#readNews(outdated);
      const { put, remove, audit, result } = await propose(standing);

      // 2. Make the catalog of it, which finds out what cannot be, before anything is written.
      const records = new Map(standing);
      for (const { kind, id } of remove) records.delete(keyOf(kind, id));
      for (const record of put) records.set(keyOfObject(record), record);
      const next = await this.#build(stateOf(records, frameOf(inForce), inForce));

      // 3. Write it, unless it was judged beside what is there no longer, and put it into force.
      const rows = await runInSlices(toRows(put, secretBox));
      const hasChanges = rows.length + remove.length > 0;
      const end = hasChanges ? await store.objects.change(rows, remove, audit, position) : position;
      if (end === undefined) return "overtaken";
      this.#putIntoForce(next, end);
      return { result };
    });
    if (outcome === undefined) throw new Error("an edit came to no end");
    return outcome.result;
  }

  /**
   * Makes a change that is judged beside all objects as they are when it is written: where another
   * process was quicker, it is judged anew (ADR 0045).
   * @returns undefined when it is impossible
   * @throws {StoreUnavailableError} when others are quicker each time
   */
  async #unlessOvertaken<Result>(
    step: (
      outdated: readonly ObjectKey[] | "all",
    ) => Promise<{ result: Result } | "overtaken" | "impossible">,
  ): Promise<{ result: Result } | undefined> {
    for (let tries = 0; tries < mostTries; tries++) {
      let isOvertaken = false;
      const outcome = await this.#outdated.readWith(async (outdated) => {
        const found = await step(outdated);
        isOvertaken = found === "overtaken";
        return typeof found === "string" ? undefined : found;
      });
      if (!isOvertaken) return outcome;
    }
    throw new StoreUnavailableError("other processes change objects all the time");
  }

  /** Puts into force what other processes changed. */
  async #takeOver(): Promise<void> {
    await this.#outdated.readWith(async (outdated) => {
      const frame = this.#adoptedFrame ?? (this.#inForce && frameOf(this.#inForce));
      if (frame === undefined) return undefined;
      const { standing, position } = await this.#readNews(outdated);
      const next = await this.#build(stateOf(standing, frame, this.#inForce));
      this.#putIntoForce(next, position);
      // Another one may have come meanwhile.
      if (this.#adoptedFrame === frame) this.#adoptedFrame = undefined;
      return true;
    });
  }

  /** @param position all changes up to there are in it */
  #putIntoForce(next: InForce, position: number): void {
    const earlier = this.#inForce?.records ?? new Map<string, ObjectRecord>();
    this.#inForce = next;
    this.#position = position;
    this.#listener({ frame: frameOf(next), objects: changedKeys(earlier, next.records) });
  }

  /**
   * What is stored: what others changed meanwhile read anew, whether they have told of it or not.
   * @param objects to be read as well
   */
  async #readNews(
    objects: readonly ObjectKey[] | "all",
  ): Promise<{ standing: Records; position: number }> {
    const since = objects === "all" ? undefined : this.#position;
    const { position, changed } = await this.#deps.store.objects.changedSince(since);
    const isAll = objects === "all" || changed === "all";
    const standing = await this.#read(isAll ? "all" : [...objects, ...changed]);
    return { standing, position };
  }

  /** What is stored: some objects read anew, the others as they are in force. */
  async #read(objects: readonly ObjectKey[] | "all"): Promise<Records> {
    const { store, secretBox } = this.#deps;
    const inForce: Records = this.#inForce?.records ?? new Map();
    const isAll = objects === "all";
    const rows = await (isAll ? store.objects.all() : store.objects.find(objects));
    const stored = await runInSlices(readRows(rows, secretBox));
    const records = new Map(isAll ? [] : inForce);
    if (!isAll) for (const { kind, id } of objects) records.delete(keyOf(kind, id));
    for (const [key, record] of stored) {
      const earlier = inForce.get(key);
      const isSame = earlier !== undefined && isDeepStrictEqual(earlier, record);
      records.set(key, isSame ? earlier : record);
    }
    return records;
  }

  /** @throws {ConfigError} when the objects contradict each other */
  async #build(next: State): Promise<InForce> {
    const inForce = this.#inForce;
    const countries = this.#deps.countries?.() ?? noCountries;
    const isSame =
      inForce?.catalog.countries === countries && isSameContent(inForce.content, next.content);
    if (isSame) return { ...next, content: inForce.content, catalog: inForce.catalog };
    return { ...next, catalog: await runInSlices(this.#builder.build(next.content, countries)) };
  }
}
