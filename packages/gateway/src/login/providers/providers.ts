// The identity providers in force, each made once for its configured object: what a provider has
// learned, such as the answer to discovery, lives as long as its configuration.
import type { Catalog } from "../../catalog/catalog.ts";
import type { IdentityProvider } from "../../model/model.ts";
import { openIdConnect } from "./oidc.ts";
import { oneTimePin } from "./one-time-pin.ts";
import type { MakeProvider, Provider, ProviderParts } from "./provider.ts";

/** Every kind of provider. A new kind is one file and one line here. */
const kinds: Record<IdentityProvider["type"], MakeProvider> = {
  onetimepin: oneTimePin,
  oidc: openIdConnect,
};

/** Holds one instance for each configured provider, and none that the catalog has no more. */
export class Providers {
  readonly #parts: ProviderParts;
  #instances = new Map<IdentityProvider, Provider>();
  #configured: Catalog["identityProviders"] | undefined;

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  /** The provider of a configured object that the catalog holds. */
  of(catalog: Catalog, settings: IdentityProvider): Provider {
    if (catalog.identityProviders !== this.#configured) this.#keepOnly(catalog.identityProviders);
    const instance = this.#instances.get(settings);
    if (instance !== undefined) return instance;
    const provider = kinds[settings.type](settings, this.#parts);
    this.#instances.set(settings, provider);
    return provider;
  }

  /**
   * Asks each provider in force how to speak with it, and writes down which of them cannot be used.
   * Never throws: a provider that is away now may be back when somebody signs in.
   */
  async check(catalog: Catalog): Promise<void> {
    const checks = [...catalog.identityProviders.values()].map((settings) =>
      this.#checkOne(catalog, settings),
    );
    await Promise.all(checks);
  }

  async #checkOne(catalog: Catalog, settings: IdentityProvider): Promise<void> {
    const failed = await this.of(catalog, settings).check?.();
    if (failed === undefined) return;
    const { fault, detail, report } = failed;
    const event = "provider_unusable";
    this.#parts.record({ event, provider: settings.id, fault, detail, ...report });
  }

  #keepOnly(configured: Catalog["identityProviders"]): void {
    const objects = new Set(configured.values());
    this.#instances = new Map([...this.#instances].filter(([settings]) => objects.has(settings)));
    this.#configured = configured;
  }
}
