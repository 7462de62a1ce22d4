// A gateway's objects in its store, beside the gateways that run: those hear of a change as of one
// by each other.
import { CatalogBuilder } from "../catalog/catalog-builder.ts";
import { inOrder, keyOfObject, type Records, readRows, toRows } from "../catalog/records.ts";
import { runAtOnce } from "../catalog/steps.ts";
import { keyOf } from "../config/config-objects.ts";
import type { Config } from "../config/load-config.ts";
import { type RandomBytes, randomUuid } from "../random.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { StoredAuditEntry } from "../storage/admin-records.ts";
import type { Store } from "../storage/store.ts";
import type { Account } from "./account.ts";
import { recordsInOrder, toAccountObject } from "./account-object.ts";
import { auditText } from "./audit-text.ts";
import { type ChangeProposal, type ObjectChange, proposeChanges } from "./changes.ts";

/** What the store is reached with. */
export interface StoreAccountDeps {
  config: Config;
  store: Pick<Store, "objects">;
  secretBox: SecretBox;
  randomBytes: RandomBytes;
  now(): number;
}

/** The account of a store. */
export function storeAccount(deps: StoreAccountDeps): Account {
  const { config, store, secretBox, randomBytes, now } = deps;
  const read = async () => runAtOnce(readRows(await store.objects.all(), secretBox));
  return {
    place: "the store",
    read: async () => recordsInOrder(await read()).map(toAccountObject),
    async change(request, isTrial) {
      // What is read afterwards is as it was at this position, or later.
      const { position } = await store.objects.changedSince();
      const records = await read();
      const surroundings = {
        ownHosts: new Set([config.team_host, ...config.relay_hosts]),
        hasMail: config.smtp !== undefined,
        knowsCountries: config.geoip_file !== undefined,
      };
      const tools = { surroundings, now: now(), randomBytes };
      const proposal = runAtOnce(proposeChanges(request, records, tools));
      if (!proposal.ok) return proposal;
      const { put, remove, changes, missing, warnings } = proposal;
      // The catalog finds out what only contradicts itself as a whole, before anything is written.
      build(proposal, records, config);
      if (!isTrial && changes.length > 0) {
        const rows = runAtOnce(toRows(put, secretBox));
        const audit = changes.map((change) => auditEntry(change, now(), randomBytes));
        const end = await store.objects.change(rows, remove, audit, position);
        if (end === undefined)
          throw new Error("a gateway of the store has changed objects meanwhile; run it again");
      }
      return { ok: true, changes, missing, warnings };
    },
  };
}

function build(
  { put, remove }: Extract<ChangeProposal, { ok: true }>,
  standing: Records,
  config: Config,
): void {
  const records = new Map(standing);
  for (const { kind, id } of remove) records.delete(keyOf(kind, id));
  for (const record of put) records.set(keyOfObject(record), record);
  const objects = inOrder(records, []);
  runAtOnce(new CatalogBuilder().build({ objects, settings: config, ingress: config.ingress }));
}

/** Nobody is asked for a token here: the entry says by which command. */
function auditEntry(
  { action, kind, id, name, before, after }: ObjectChange,
  now: number,
  randomBytes: RandomBytes,
): StoredAuditEntry {
  return {
    id: randomUuid(randomBytes),
    created_at: now,
    ...{ token_id: "", token_name: "postern apply", ip: "", ray: "" },
    ...{ action, kind, ref: id, name },
    before: auditText(before),
    after: auditText(after),
  };
}
