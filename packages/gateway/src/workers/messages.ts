// What a keeper and its workers say to each other, over the channel between parent and child.
import type { CatalogChange, CatalogFrame } from "../catalog/changing-catalog.ts";
import type { Settings } from "../config/read-settings.ts";
import type { RelaySettings } from "../login/terminal/relay-settings.ts";
import type { GatewayEvent } from "../observe/events.ts";
import type { FamilySnapshot } from "../observe/metrics/registry.ts";
import type { StrangerLimits } from "../stranger-limits.ts";

/** What a worker begins with. It holds secrets, and goes through the channel alone. */
export interface Introduction {
  /** from 1; one that takes another's place has its number */
  number: number;
  settings: Settings;
  frame: CatalogFrame;
  /** base64 */
  secretKey: string;
  /** its share of what the gateway holds at a time */
  relay: Partial<RelaySettings>;
}

/** A question about a limit that the keeper counts. */
export type LimitQuestion = {
  [Method in keyof StrangerLimits]: { method: Method; args: Parameters<StrangerLimits[Method]> };
}[keyof StrangerLimits];

export type ToWorker =
  | { kind: "begin"; introduction: Introduction }
  | { kind: "change"; version: number; change: CatalogChange }
  | { kind: "reload_certificates" }
  | { kind: "answer"; id: number; isAllowed: boolean }
  /** say what was counted */
  | { kind: "measure"; id: number }
  /** serve who is connected and who comes, tell them, and end */
  | { kind: "drain"; graceMs: number };

export type ToKeeper =
  /** it accepts connections */
  | { kind: "ready" }
  /** it cannot begin, and ends; in words for a person */
  | { kind: "failed"; reason: string }
  /** the change of this version is in force */
  | { kind: "applied"; version: number }
  | { kind: "question"; id: number; question: LimitQuestion }
  | { kind: "measured"; id: number; families: FamilySnapshot[] }
  /** one that strangers cause at will: how many are written down is counted by the keeper */
  | { kind: "event"; event: GatewayEvent };
