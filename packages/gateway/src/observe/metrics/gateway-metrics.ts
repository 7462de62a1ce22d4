// Every number that a gateway counts for Prometheus. Most come of the events that it records
// anyway; what has no event (decisions, the time of origins and of the store) is told here. A label
// holds the name of something that is configured, or one of a few words: never what a client chose.
import { type GatewayEvent, housekeepingTasks } from "../events.ts";
import { loggedEvents } from "../log.ts";
import { type CurrentReadings, currentFamilies } from "./current-families.ts";
import { Counter, type FamilySnapshot, Gauge, Histogram } from "./registry.ts";

/** Seconds: of an origin or a provider, from a cached answer to one that is given up on. */
const answerBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Seconds: of a store on this machine, or on another. */
const storeBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

const pinResults = ["sent", "not_sent", "wrong", "over", "too_many", "mail_failed", "mail_missing"];

export class GatewayMetrics {
  readonly #decisions = new Counter({
    name: "postern_decisions_total",
    help: "Requests that were decided on, by application and outcome.",
    labels: ["application", "outcome"],
  });
  readonly #refusals = new Counter({
    name: "postern_refusals_total",
    help: "Requests that were refused, by the kind of the refusal.",
    labels: ["kind"],
  });
  readonly #logins = new Counter({
    name: "postern_logins_total",
    help: "Sign-ins, by identity provider and outcome.",
    labels: ["provider", "outcome"],
  });
  readonly #logouts = new Counter({
    name: "postern_logouts_total",
    help: "Sign-outs.",
    known: [[]],
  });
  readonly #pins = new Counter({
    name: "postern_pins_total",
    help: "One-time PINs, by what became of them.",
    labels: ["result"],
    known: pinResults.map((result) => [result]),
  });
  readonly #providerErrors = new Counter({
    name: "postern_provider_errors_total",
    help: "Failures of identity providers, by provider and fault.",
    labels: ["provider", "fault"],
  });
  readonly #providerSeconds = new Histogram({
    name: "postern_provider_seconds",
    help: "Time that identity providers took to vouch for somebody, in seconds.",
    labels: ["provider"],
    bounds: answerBounds,
  });
  readonly #originSeconds = new Histogram({
    name: "postern_origin_seconds",
    help: "Time from a request that was let through to the head of its origin's answer, in seconds.",
    labels: ["application"],
    bounds: answerBounds,
  });
  readonly #originErrors = new Counter({
    name: "postern_origin_errors_total",
    help: "Requests that an origin did not answer, by application and fault.",
    labels: ["application", "fault"],
  });
  readonly #storeSeconds = new Histogram({
    name: "postern_store_seconds",
    help: "Time that calls of the store took, in seconds, by its part.",
    labels: ["part"],
    bounds: storeBounds,
  });
  readonly #storeErrors = new Counter({
    name: "postern_store_errors_total",
    help: "Calls of the store that failed, by its part.",
    labels: ["part"],
  });
  readonly #streamsEnded = new Counter({
    name: "postern_streams_ended_total",
    help: "Open streams that the gateway ended, by reason.",
    labels: ["reason"],
  });
  readonly #certificates = new Gauge({
    name: "postern_certificate_expiry_timestamp_seconds",
    help: "When the certificates that are served stop being valid, by their file.",
    labels: ["file"],
    together: "least",
  });
  readonly #housekeeping = new Counter({
    name: "postern_housekeeping_total",
    help: "What the gateway does by itself now and then, by task and by how it ended.",
    labels: ["task", "result"],
    known: housekeepingTasks.flatMap((task) => [
      [task, "done"],
      [task, "failed"],
    ]),
  });
  readonly #events = new Counter({
    name: "postern_events_total",
    help: "Everything that was recorded, by the name of the event.",
    labels: ["event"],
    known: loggedEvents.map((event) => [event]),
  });

  /** A request was decided on. */
  decided(application: string, outcome: string): void {
    this.#decisions.add(1, application, outcome);
  }

  /** The head of an origin's answer is there. @param ms since the request was let through */
  originAnswered(application: string, ms: number): void {
    this.#originSeconds.observe(ms / 1_000, application);
  }

  /** A call of the store has ended. */
  storeAnswered(part: string, ms: number, isFailure: boolean): void {
    this.#storeSeconds.observe(ms / 1_000, part);
    // A part that never failed is 0, and not missing: the first failure is an increase.
    this.#storeErrors.add(isFailure ? 1 : 0, part);
  }

  /** Counts an event, before any limit on what is written down. */
  count(event: GatewayEvent): void {
    this.#events.add(1, event.event);
    switch (event.event) {
      case "access_decided":
        if (event.action === "logout") this.#logouts.add(1);
        if (event.action === "login") this.#logins.add(1, event.provider?.id ?? "", event.outcome);
        break;
      case "request_challenged":
      case "request_refused":
        this.#refusals.add(1, event.outcome);
        break;
      case "provider_asked":
        this.#providerSeconds.observe(event.ms / 1_000, event.provider);
        break;
      case "sign_in_failed":
      case "provider_unusable":
        this.#providerErrors.add(1, event.provider, event.fault);
        break;
      case "origin_failed":
        this.#originErrors.add(1, event.application, event.fault);
        break;
      case "stream_ended":
        this.#streamsEnded.add(1, event.reason);
        break;
      case "certificates_in_force":
        for (const { file, expires_at } of event.certificates)
          this.#certificates.set(expires_at / 1_000, file);
        break;
      case "housekeeping_done":
        this.#housekeeping.add(1, event.task, "done");
        break;
      case "housekeeping_failed":
        this.#housekeeping.add(1, event.task, "failed");
        break;
      default:
        this.#countPin(event);
    }
  }

  #countPin(event: GatewayEvent): void {
    switch (event.event) {
      case "pin_sent":
        this.#pins.add(1, "sent");
        break;
      case "pin_refused":
        this.#pins.add(1, event.verdict);
        break;
      case "pin_not_sent":
        this.#pins.add(1, "not_sent");
        break;
      case "mail_failed":
      case "mail_missing":
        this.#pins.add(1, event.event);
        break;
    }
  }

  /** Everything as it stands. */
  snapshot(readings: CurrentReadings): FamilySnapshot[] {
    const counted = [
      ...[this.#decisions, this.#refusals, this.#logins, this.#logouts, this.#pins],
      ...[this.#providerErrors, this.#providerSeconds, this.#originSeconds, this.#originErrors],
      ...[this.#storeSeconds, this.#storeErrors, this.#streamsEnded, this.#certificates],
      ...[this.#housekeeping, this.#events],
    ];
    return [...counted.map((family) => family.snapshot()), ...currentFamilies(readings)];
  }
}
