// How a catalog changes: by a file, by other processes of the store, or after the catalog of
// another process of the same gateway.

import type { ConfigUpdate, KnownConfig } from "../config/config-update.ts";
import type { Config } from "../config/load-config.ts";
import type { StoredAuditEntry } from "../storage/admin-records.ts";
import type { ObjectKey } from "../storage/store.ts";
import type { CatalogSource } from "./catalog.ts";
import type { CatalogContent } from "./catalog-builder.ts";
import type { Records } from "./records.ts";
import type { ObjectRecord } from "./stored-objects.ts";

/** A catalog that follows the file and the store. */
export interface ChangingCatalogSource extends CatalogSource {
  /**
   * Puts a whole configuration into force.
   * @throws {ConfigError} when it contradicts objects of the API; then nothing has changed
   */
  apply(config: Config): Promise<void>;
  /**
   * Puts into force what `read` finds changed in a file. Calls it again when another change came
   * between.
   * @param read is told what is in force of the files before
   * @param approve looks at what would be removed, and throws to refuse it
   * @throws {ConfigError} as `apply` does
   */
  reload<Update extends ConfigUpdate>(
    read: (knownConfig: KnownConfig) => Promise<Update>,
    approve?: ApproveRemovals,
  ): Promise<Update>;
  /**
   * Puts objects of the API into force, all that `propose` says or nothing.
   * @param propose is told what is stored, and says what to change of it; it may be nothing
   * @returns what `propose` gave beside
   * @throws {ConfigError} when the objects contradict each other; then nothing has changed
   */
  edit<Result>(propose: ProposeEdit<Result>): Promise<Result>;
  /** The objects in force, with what the store knows of each beside. */
  records(): Records;
  /**
   * Reads what another process changed, and what could not be read before.
   * @throws {Error} when what is stored cannot be used; then the catalog stays as it is
   */
  refresh(objects?: readonly ObjectKey[] | "all"): Promise<void>;
  /**
   * Objects that another process put into force, against the file of this one: changed, removed or
   * added ones. Each as people know it.
   */
  overruled(): string[];
  /** What the catalog is made from besides the objects of the store. */
  frame(): CatalogFrame;
  /**
   * Takes over what the catalog of another process was made from: its frame, and the objects that
   * it says have changed. Nothing is written.
   * @throws {Error} as `refresh` does, which then tries the same again
   */
  adopt(change: CatalogChange): Promise<void>;
  /** Calls back after each change of what is in force, until it is told of another listener. */
  onChange(listener: (change: CatalogChange) => void): void;
}

/** What a catalog is made from besides the objects of the store: plain data. */
export interface CatalogFrame extends Omit<CatalogContent, "objects"> {
  /** keys of the file's objects, in its order */
  order: readonly string[];
}

/** What another process must know to make the same catalog. */
export interface CatalogChange {
  frame: CatalogFrame;
  /** those that differ from before */
  objects: readonly ObjectKey[];
}

/** What an administrator changes in one step. */
export interface ObjectEdit<Result> {
  put: readonly ObjectRecord[];
  remove: readonly ObjectKey[];
  /** what is written down of it */
  audit: readonly StoredAuditEntry[];
  /** for whoever asked */
  result: Result;
}

/** @param standing what is stored; nothing of it changes until the edit is there */
export type ProposeEdit<Result> = (
  standing: Records,
) => ObjectEdit<Result> | Promise<ObjectEdit<Result>>;

/**
 * @param remove what a file would remove
 * @param standing what there is before
 */
export type ApproveRemovals = (remove: readonly ObjectKey[], standing: Records) => void;
