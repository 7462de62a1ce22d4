// What the routes of the admin API are made from.
import type { ChangingCatalogSource } from "../catalog/changing-catalog.ts";
import type { Clock, Stopwatch } from "../clock.ts";
import type { Settings } from "../config/read-settings.ts";
import type { RecordEvent } from "../observe/events.ts";
import type { Observation } from "../observe/observation.ts";
import type { RandomBytes } from "../random.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { Store } from "../storage/store.ts";
import type { Sessions, Tokens } from "../tokens/tokens.ts";

/** Parts of the gateway. */
export interface AdminSurroundings {
  /** how the process runs */
  config: Settings;
  store: Store;
  catalogs: Pick<ChangingCatalogSource, "current" | "records" | "frame">;
  /** as ChangingCatalogSource says; resolves when the workers have it, too */
  edit: ChangingCatalogSource["edit"];
  secretBox: SecretBox;
  tokens: Tokens;
  sessions: Sessions;
  /** how the gateway fares, in all its processes */
  observation: Observation;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
  randomBytes: RandomBytes;
}

/** The same, for routes. */
export interface AdminParts extends AdminSurroundings {
  /** 32 hex characters */
  accountId: string;
}
