// Identity providers as written → as configured: what each type needs, and what contradicts itself.
import type { z } from "zod";
import type { IdentityProvider, OidcConfig } from "../policy/model.ts";
import { defined } from "./defined.ts";
import type { FieldPath } from "./document.ts";
import type { NamedObjects } from "./object-names.ts";
import { readShape } from "./read-shape.ts";
import type { Report } from "./report.ts";
import { type identityProvider, oidcConfig } from "./shapes.ts";

type WrittenProvider = z.infer<typeof identityProvider>;

const addresses = ["auth_url", "token_url", "certs_url"] as const;

export function readIdentityProviders({ all }: NamedObjects<WrittenProvider>, report: Report): IdentityProvider[] {
  return all.flatMap(({ id, written, path }): IdentityProvider[] => {
    const { name, type } = written;
    switch (type) {
      case "onetimepin": {
        for (const key of Object.keys(written.config)) {
          report.problem([...path, "config", key], "unknown field; the one-time PIN needs no config, remove it");
        }
        return [{ id, name, type, config: {} }];
      }
      case "oidc": {
        const config = readOidcConfig(written.config, [...path, "config"], report);
        return config === undefined ? [] : [{ id, name, type, config }];
      }
      default:
        report.problem([...path, "type"], "is not supported yet; write oidc or onetimepin", type);
        return [];
    }
  });
}

/** Discovery by the issuer, or the three addresses that the Cloudflare API knows: one of the two says where to send people. */
function readOidcConfig(written: Record<string, unknown>, path: FieldPath, report: Report): OidcConfig | undefined {
  const config = readShape(oidcConfig, written, path, report);
  if (config === undefined) return undefined;
  const stated = addresses.filter((address) => config[address] !== undefined);
  const absent = addresses.filter((address) => config[address] === undefined);
  if (config.issuer !== undefined && stated.length > 0) {
    report.problem([...path, "issuer"], `cannot stand beside ${stated.join(", ")}; remove the issuer, or the addresses`);
  } else if (config.issuer === undefined && absent.length > 0) {
    const missing = stated.length === 0 ? `issuer, or all of ${addresses.join(", ")}` : absent.join(", ");
    report.problem(path, `does not say where the provider is; add ${missing}`);
  }
  return defined(config);
}
