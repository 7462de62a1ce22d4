// Whether a gateway can do its work: the store is read and written, the key that signs is unsealed,
// the catalog is there, and each listener is asked as a client would ask it, on the way of every
// request. What was found holds for a second, of a write for five: asking costs little. Identity
// providers are no step: one that is away ends no session, and other gateways have no other.
import { endpoints } from "@postern/protocol";
import type { Parts } from "./compose.ts";
import { askListener } from "./http/ask-listener.ts";
import type { HealthCheck } from "./observe/observation.ts";

/** How long a step may take, milliseconds. */
const timeoutMs = 3_000;
/** How long what was found holds, milliseconds. */
const lifeMs = 1_000;
/** The same of a write, which takes a disk's time and wears it. */
const writeLifeMs = 5_000;
/** The window of the count that is written: one row, which the sweep removes. */
const countMs = 60_000;

type HealthParts = Pick<Parts, "store" | "secretBox" | "catalogs" | "config" | "elapsed" | "now">;

type Address = HealthParts["config"]["listen"][number];

/** Looks at the steps, at most once a second. */
export class Health {
  readonly #parts: HealthParts;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checks: Promise<HealthCheck[]> | undefined;
  #wroteAt = Number.NEGATIVE_INFINITY;
  #write: Promise<HealthCheck> | undefined;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  /** Every step. Never throws. */
  check(): Promise<HealthCheck[]> {
    const now = this.#parts.elapsed();
    if (this.#checks === undefined || now - this.#checkedAt > lifeMs) {
      this.#checkedAt = now;
      this.#checks = this.#checkAll();
    }
    return this.#checks;
  }

  #checkAll(): Promise<HealthCheck[]> {
    const { listen, redirect_http: redirect, forward_auth: decisions } = this.#parts.config;
    return Promise.all([
      checkOf("store", () => this.#readStore()),
      this.#checkWrite(),
      checkOf("signing_key", () => this.#unsealKey()),
      checkOf("catalog", async () => void this.#parts.catalogs.current().applications),
      ...listen.map((address, index) =>
        checkOf(`listener_${index + 1}`, () => this.#askForKeys(address)),
      ),
      ...(redirect === undefined
        ? []
        : [checkOf("redirect_http", () => this.#askForAnything(redirect))]),
      ...(decisions === undefined
        ? []
        : [checkOf("forward_auth", () => this.#askForAnything(decisions.listen))]),
    ]);
  }

  #checkWrite(): Promise<HealthCheck> {
    const now = this.#parts.elapsed();
    if (this.#write === undefined || now - this.#wroteAt > writeLifeMs) {
      this.#wroteAt = now;
      this.#write = checkOf("store_write", () => this.#writeStore());
    }
    return this.#write;
  }

  async #writeStore(): Promise<void> {
    const { store, now } = this.#parts;
    await store.counters.count("health", countMs, now());
  }

  async #readStore(): Promise<void> {
    await this.#parts.store.users.find("health");
  }

  async #unsealKey(): Promise<void> {
    const { store, secretBox } = this.#parts;
    const current = (await store.keys.all()).find(({ state }) => state === "current");
    if (current === undefined) throw new Error("no key signs");
    const key = secretBox.open(current.sealed_private_key, `signing key ${current.kid}`);
    if (key === undefined) throw new Error("the secret key does not open the key that signs");
  }

  async #askForKeys(listen: Address): Promise<void> {
    const status = await this.#ask(listen, this.#parts.config.tls !== undefined);
    if (status !== 200) throw new Error(`it answered ${status}`);
  }

  /** One in the clear, which works also where it answers this question with a refusal. */
  async #askForAnything(listen: Address): Promise<void> {
    await this.#ask(listen, false);
  }

  #ask(listen: Address, isTls: boolean): Promise<number> {
    const { auth_domain: authority, team_host: host } = this.#parts.config;
    const path = endpoints.certs;
    return askListener({ listen, isTls, authority, host, path, timeoutMs });
  }
}

async function checkOf(name: string, step: () => Promise<void>): Promise<HealthCheck> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer in time")), timeoutMs);
  try {
    await Promise.race([step(), late.promise]);
    return { name, ok: true };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
