// What a file says by now, beside what it said before: of its objects only those that differ, so
// that little goes from the thread that reads the file to the one that serves.
import { createHash } from "node:crypto";
import type { IngressRule } from "../model/ingress-rule.ts";
import { type KindObject, keyOf, objectsOf } from "./config-objects.ts";
import type { Config } from "./load-config.ts";
import type { Settings } from "./read-settings.ts";
import { sections } from "./sections.ts";

/** key of an object → fingerprint of what a file says of it */
export type Fingerprints = ReadonlyMap<string, string>;

/** A configuration, without those parts that its receiver has. */
export interface ConfigUpdate {
  settings: Settings;
  /** every object of the file, in its order */
  objects: Fingerprints;
  /** the objects whose fingerprint was not known */
  changedObjects: KindObject[];
  /** fingerprint of the ingress rules */
  ingressFingerprint: string;
  /** undefined where their fingerprint was known */
  ingress?: IngressRule[];
}

/** What is known of a file already. */
export interface KnownConfig {
  objects: Fingerprints;
  ingressFingerprint: string;
}

/** Against this, an update is the whole configuration. */
export const nothingKnown: KnownConfig = { objects: new Map(), ingressFingerprint: "" };

/** @param knownConfig what the receiver of the update has */
export function updateOf(config: Config, knownConfig: KnownConfig): ConfigUpdate {
  const objects = new Map<string, string>();
  const changedObjects: KindObject[] = [];
  for (const each of objectsOf(config)) {
    const key = keyOf(each.kind, each.object.id);
    const fingerprint = fingerprintOf(each.object);
    objects.set(key, fingerprint);
    if (knownConfig.objects.get(key) !== fingerprint) changedObjects.push(each);
  }
  const update: ConfigUpdate = {
    settings: settingsOf(config),
    objects,
    changedObjects,
    ingressFingerprint: fingerprintOf(config.ingress),
  };
  if (update.ingressFingerprint !== knownConfig.ingressFingerprint) update.ingress = config.ingress;
  return update;
}

function settingsOf(config: Config): Settings {
  const entries = Object.entries(config).filter(([field]) => !Object.hasOwn(sections, field));
  return Object.fromEntries(entries) as unknown as Settings;
}

function fingerprintOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}
