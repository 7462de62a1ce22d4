// Identity providers (access-api 2.4, 3.5). Their secrets are written and never shown: one that is
// left out, as whoever sends back what it got does, stays as it is.
import { endpoints } from "@postern/protocol";
import { identityProvider } from "../../model/identity-provider.ts";
import type { ConfiguredObject, Kind } from "../../model/kind.ts";
import { isMap } from "../../model/read-value.ts";
import { replaceAt, valueAt } from "../../model/value-at.ts";
import type { AdminParts } from "../admin-parts.ts";
import { byName, bySearch, type ObjectResource } from "./object-resource.ts";

/** The resource. */
export function identityProvidersOf({ config }: AdminParts): ObjectResource {
  return {
    kind: identityProvider as unknown as Kind,
    path: "/access/identity_providers",
    area: "organizations",
    deleted: 202,
    readOnly: ["read_only", "saml_certificate_set"],
    filters: { name: byName, search: bySearch, scim_enabled: (_shown, value) => value !== "true" },
    prepare: (body, { standing }) => withStandingSecrets(body, standing?.object),
    show: ({ object }) => ({
      config: {
        ...configOf(identityProvider.toInput(object as never)),
        redirect_url: config.issuer + endpoints.callback,
      },
    }),
  };
}

/** What stands for a secret in answers of others. */
const mask = /^\*+$/;

function withStandingSecrets(
  body: Record<string, unknown>,
  standing: ConfiguredObject | undefined,
): Record<string, unknown> {
  const { redirect_url: _, ...config } = configOf(body);
  const secrets = isSameAddress(body, standing) ? identityProvider.secrets : [];
  return secrets.reduce<Record<string, unknown>>(
    (fields, { at }) => {
      const sent = valueAt(fields, at);
      const secret = valueAt(standing, at);
      const isLeftOut = sent === undefined || sent === null || mask.test(`${sent}`);
      if (!isLeftOut || secret === undefined) return fields;
      return replaceAt(fields, at, secret) as Record<string, unknown>;
    },
    { ...body, config },
  );
}

/**
 * Whether a secret would be told to nobody else than before: whoever writes may not read it, and
 * must not have it sent to an address of theirs.
 */
function isSameAddress(body: object, standing: ConfiguredObject | undefined): boolean {
  if (standing === undefined) return false;
  return addressFields.every((at) => valueAt(body, at) === valueAt(standing, at));
}

const addressFields = [
  ["type"],
  ...["issuer", "auth_url", "token_url", "certs_url"].map((field) => ["config", field]),
];

function configOf({ config }: Record<string, unknown>): Record<string, unknown> {
  return isMap(config) ? config : {};
}
