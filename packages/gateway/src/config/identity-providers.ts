// Identity providers as written → as configured: what each type needs, and what contradicts itself.

import { defined } from "../defined.ts";
import type { IdentityProvider, OidcConfig } from "../model/model.ts";
import type { FieldPath } from "./document.ts";
import type { NamedObject, NamedObjects } from "./object-names.ts";
import { isMap, readShape } from "./read-shape.ts";
import type { Report } from "./report.ts";
import { identityProvider, oidcConfig } from "./shapes.ts";

const addresses = ["auth_url", "token_url", "certs_url"] as const;

export function readIdentityProviders({ all }: NamedObjects, report: Report): IdentityProvider[] {
  return all.flatMap((each) => readIdentityProvider(each, report) ?? []);
}

function readIdentityProvider(
  { id, item, path }: NamedObject,
  report: Report,
): IdentityProvider | undefined {
  const written = readShape(identityProvider, item, path, report);
  const { type, config = {} } = isMap(item) ? item : {};
  switch (type) {
    case "onetimepin": {
      for (const key of Object.keys(isMap(config) ? config : {})) {
        report.problem(
          [...path, "config", key],
          "unknown field; the one-time PIN needs no config, remove it",
        );
      }
      return written && { id, name: written.name, type, config: {} };
    }
    case "oidc": {
      const read = readOidcConfig(config, [...path, "config"], report);
      return written && read && { id, name: written.name, type, config: read };
    }
    default:
      if (typeof type === "string")
        report.problem([...path, "type"], "is not supported yet; write oidc or onetimepin", type);
      return undefined;
  }
}

/**
 * Discovery by the issuer, or the three addresses that the Cloudflare API knows: one of the two
 * says where to send people.
 */
function readOidcConfig(written: unknown, path: FieldPath, report: Report): OidcConfig | undefined {
  const config = readShape(oidcConfig, written, path, report);
  if (config === undefined) return undefined;
  const stated = addresses.filter((address) => config[address] !== undefined);
  const absent = addresses.filter((address) => config[address] === undefined);
  if (config.issuer !== undefined && stated.length > 0) {
    report.problem(
      [...path, "issuer"],
      `cannot stand beside ${stated.join(", ")}; remove the issuer, or the addresses`,
    );
  } else if (config.issuer === undefined && absent.length > 0) {
    const missing =
      stated.length === 0 ? `issuer, or all of ${addresses.join(", ")}` : absent.join(", ");
    report.problem(path, `does not say where the provider is; add ${missing}`);
  }
  return defined(config);
}
