// Whether a gateway can do its work: the store is read, the key that signs is unsealed, the catalog
// is there, and each listener is asked for the public keys, on the way that every request takes. An
// answer holds for a second, so that asking costs little.
import { endpoints } from "@postern/protocol";
import type { Parts } from "./compose.ts";
import { askListener } from "./http/ask-listener.ts";
import type { HealthCheck } from "./observe/observation.ts";

/** How long a step may take, milliseconds. */
const timeoutMs = 3_000;
/** How long what was found holds, milliseconds. */
const lifeMs = 1_000;

type HealthParts = Pick<Parts, "store" | "secretBox" | "catalogs" | "config" | "elapsed">;

/** Looks at the steps, at most once a second. */
export class Health {
  readonly #parts: HealthParts;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checks: Promise<HealthCheck[]> | undefined;

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
    const { listen } = this.#parts.config;
    return Promise.all([
      checkOf("store", () => this.#readStore()),
      checkOf("signing_key", () => this.#unsealKey()),
      checkOf("catalog", async () => void this.#parts.catalogs.current().applications),
      ...listen.map((address, index) =>
        checkOf(`listener_${index + 1}`, () => this.#askListener(address)),
      ),
    ]);
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

  async #askListener(listen: HealthParts["config"]["listen"][number]): Promise<void> {
    const { tls, auth_domain: authority, team_host: host } = this.#parts.config;
    const isTls = tls !== undefined;
    const path = endpoints.certs;
    const status = await askListener({ listen, isTls, authority, host, path, timeoutMs });
    if (status !== 200) throw new Error(`it answered ${status}`);
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
