import type { Clock } from "../../clock.ts";
import type { IdentityProvider, OidcConfig } from "../../model/model.ts";
import type { RedirectProvider } from "./identity-provider.ts";
import { oidcProvider } from "./oidc.ts";
import { explicitOidcProvider } from "./oidc-explicit.ts";

// Providers are replaced when the configuration changes; what was discovered for the old one goes
// with it.
const made = new WeakMap<IdentityProvider, RedirectProvider>();

/** How to send people to this provider; undefined for the one-time PIN, whose forms are ours. */
export function redirectProvider(
  provider: IdentityProvider,
  now: Clock,
): RedirectProvider | undefined {
  switch (provider.type) {
    case "onetimepin":
      return undefined;
    case "oidc": {
      const known = made.get(provider);
      if (known !== undefined) return known;
      const config = provider.config as OidcConfig;
      const { issuer } = config;
      const fresh =
        issuer === undefined
          ? explicitOidcProvider(config)
          : oidcProvider({ ...config, issuer }, now);
      made.set(provider, fresh);
      return fresh;
    }
  }
}
