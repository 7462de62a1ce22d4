import type { Clock } from "../../clock.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { RandomBytes } from "../../random.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import type { Store } from "../../storage/store.ts";
import type { Sessions, Tokens } from "../../tokens/tokens.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Relay } from "./relay.ts";
import type { RelaySettings } from "./relay-settings.ts";

/** What a terminal's login is made from. */
export interface TerminalParts {
  store: Pick<Store, "sessions" | "grants" | "useCounts">;
  tokens: Tokens;
  sessions: Sessions;
  secretBox: SecretBox;
  mailboxes: Mailboxes;
  relay: Relay;
  relaySettings: Pick<RelaySettings, "refreshSeconds">;
  record: RecordEvent;
  now: Clock;
  randomBytes: RandomBytes;
}
