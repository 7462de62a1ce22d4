// Which events strangers cause at will, and how many of them are written down: some for each
// network, some in all, and the number of those that were left out. An event that is new and that
// anybody can cause gets its name into `limitedEvents`; whoever records it does nothing else.
import type { Stopwatch } from "../clock.ts";
import { networkOf } from "../network.ts";
import { NetworkBudget, type NetworkRates } from "../network-budget.ts";
import type { EventName, GatewayEvent, RecordEvent } from "./events.ts";

/** The events that are limited, each by itself. An event's network is that of its field `ip`. */
const limitedEvents: ReadonlySet<EventName> = new Set<EventName>([
  "admin_refused",
  "error_page_shown",
  "hand_over_refused",
  "http2_ended",
  "pin_not_sent",
  "pin_refused",
  "poll_refused",
  "sign_in_failed",
  "ssh_certificate_refused",
  "transfer_ended",
]);

const rates: NetworkRates = {
  perNetwork: { burst: 20, perSecond: 0.2 },
  inAll: { burst: 200, perSecond: 2 },
  reserve: { burst: 50, perSecond: 1 },
};
/** How long after an event was left out the number of those is written down, milliseconds. */
const summaryDelay = 5_000;

/** Whether strangers cause it at will. */
export function isLimited({ event }: GatewayEvent): boolean {
  return limitedEvents.has(event);
}

/** Passes events on to `record`, limited ones as far as their budget goes. */
export function limitEvents(record: RecordEvent, elapsed: Stopwatch): RecordEvent {
  const limits = new Map([...limitedEvents].map((of) => [of, new EventLimit(of, record, elapsed)]));
  return (event) => {
    const limit = limits.get(event.event);
    if (limit === undefined) record(event);
    else limit.record(event);
  };
}

/** The budget of one kind of event, and how many were left out since that was last written down. */
class EventLimit {
  readonly #of: EventName;
  readonly #record: RecordEvent;
  readonly #budget: NetworkBudget;
  #leftOut = 0;

  constructor(of: EventName, record: RecordEvent, elapsed: Stopwatch) {
    this.#of = of;
    this.#record = record;
    this.#budget = new NetworkBudget(elapsed, rates);
  }

  record(event: GatewayEvent): void {
    const ip = "ip" in event ? (event.ip ?? "") : "";
    if (this.#budget.take(networkOf(ip))) {
      this.#record(event);
      return;
    }
    if (this.#leftOut === 0) setTimeout(() => this.#summarize(), summaryDelay).unref();
    this.#leftOut++;
  }

  #summarize(): void {
    const count = this.#leftOut;
    this.#leftOut = 0;
    this.#record({ event: "events_left_out", of: this.#of, count });
  }
}
