import type { Clock } from "../../clock.ts";
import type { RecordEvent } from "../../observe/events.ts";
import type { RandomBytes } from "../../random.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import type { Store } from "../../storage/store.ts";
import type { ServiceTokenUses } from "../../tokens/service-token-uses.ts";
import type { Sessions, Tokens } from "../../tokens/tokens.ts";
import type { Providers } from "../providers/providers.ts";

/** What the pages and endpoints of a browser's sign-in are made from. */
export interface SignInParts {
  store: Pick<Store, "handovers" | "sessions" | "settings">;
  tokens: Tokens;
  sessions: Sessions;
  uses: Pick<ServiceTokenUses, "note">;
  secretBox: SecretBox;
  providers: Providers;
  record: RecordEvent;
  now: Clock;
  randomBytes: RandomBytes;
}
