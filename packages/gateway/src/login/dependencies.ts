// What the sign-in pages and endpoints are made from, handed in by the composition root.
import type { CatalogSource } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock } from "../clock.ts";
import type { RecordEvent } from "../observe/events.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { Store } from "../storage/store.ts";
import type { Sessions, Tokens } from "../tokens/tokens.ts";
import type { RelaySettings } from "./terminal/relay-settings.ts";

/** Sends one plain-text message. @throws {Error} when the mail server did not take it */
export type SendMail = (message: { to: string; subject: string; text: string }) => Promise<void>;

export interface LoginDependencies {
  catalogs: CatalogSource;
  store: Store;
  tokens: Tokens;
  sessions: Sessions;
  secretBox: SecretBox;
  /** undefined when no SMTP server is configured */
  sendMail: SendMail | undefined;
  /** `postern dev` alone: shows the PIN in the gateway's terminal */
  announcePin: ((email: string, pin: string) => void) | undefined;
  /** times and limits of the relay; defaults where absent */
  relay?: Partial<RelaySettings> | undefined;
  record: RecordEvent;
  now: Clock;
}

/**
 * What Hono's context holds on each request. `createLogin` binds the facts of the data path, and
 * the handlers read them as a variable.
 */
export interface LoginEnv {
  Bindings: { facts: RequestFacts };
  Variables: { facts: RequestFacts };
}
