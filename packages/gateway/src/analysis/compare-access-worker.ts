// The thread that compares two configurations (compare-access-thread.ts): it is sent the objects of
// one, and what the other has otherwise, so that what both have is one object. It answers once.
import { parentPort, workerData } from "node:worker_threads";
import { CatalogBuilder } from "../catalog/catalog-builder.ts";
import { runAtOnce } from "../catalog/steps.ts";
import { ConfigError } from "../config/config-error.ts";
import { type KindObject, keyOf } from "../config/config-objects.ts";
import { namesIn } from "./catalog-names.ts";
import { compareAccess } from "./compare-access.ts";
import type { ChangedObjects, FromThread, ThreadInput, ToThread } from "./compare-access-thread.ts";
import { comparisonData } from "./comparison-data.ts";

const port = parentPort;
if (port === null)
  throw new Error("compare-access-worker.ts is started by compare-access-thread.ts alone");
const input = workerData as ThreadInput;
const objects: KindObject[] = [];
port.on("message", (message: ToThread) => {
  if (message.kind === "objects") objects.push(...message.objects);
  else port.postMessage(answerTo(message));
});

function answerTo(change: ChangedObjects): FromThread {
  const { settings, ingress, now } = input;
  const builder = new CatalogBuilder();
  const build = (all: readonly KindObject[]) =>
    runAtOnce(builder.build({ objects: all, settings, ingress }));
  try {
    const before = build(objects);
    const after = build(changed(change));
    const comparison = compareAccess(before, after, now);
    return { ok: true, data: comparisonData(comparison, namesIn(before, after)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ok: false, problem: error.message };
  }
}

function changed({ put, remove }: ChangedObjects): KindObject[] {
  const byKey = new Map(objects.map((each) => [keyOf(each.kind, each.object.id), each]));
  for (const { kind, id } of remove) byKey.delete(keyOf(kind, id));
  for (const each of put) byKey.set(keyOf(each.kind, each.object.id), each);
  return [...byKey.values()];
}
