// Catalogs of files, without a store: what is to be compared need not be in force anywhere. What
// two files say alike is one object in both catalogs, and compiled once.
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Catalog } from "../catalog/catalog.ts";
import { CatalogBuilder } from "../catalog/catalog-builder.ts";
import { runAtOnce } from "../catalog/steps.ts";
import { type KindObject, keyOf, objectsOf } from "../config/config-objects.ts";
import type { Config } from "../config/load-config.ts";

/** Builds the catalog of each file, in their order. */
export class FileCatalogs {
  readonly #builder = new CatalogBuilder();
  readonly #objects = new Map<string, KindObject>();

  /** @throws {ConfigError} when two objects of the file contradict each other */
  build(config: Config): Catalog {
    const objects = objectsOf(config).map((each) => this.#shared(each));
    const { ingress } = config;
    return runAtOnce(this.#builder.build({ objects, settings: config, ingress }));
  }

  /** The object of an earlier file, where that says the same. */
  #shared(object: KindObject): KindObject {
    const own = withAud(object);
    const key = keyOf(own.kind, own.object.id);
    const earlier = this.#objects.get(key);
    if (earlier !== undefined && isDeepStrictEqual(earlier, own)) return earlier;
    this.#objects.set(key, own);
    return own;
  }
}

/** The store gives an application its AUD; here any will do that is its own. */
function withAud({ kind, object }: KindObject): KindObject {
  if (kind !== "application" || object.aud !== undefined) return { kind, object };
  const aud = createHash("sha256").update(object.id).digest("hex");
  return { kind, object: { ...object, aud } };
}
