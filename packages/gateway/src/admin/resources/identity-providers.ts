// Identity providers (access-api 2.4, 3.5). Their secrets are written and never shown: one that is
// left out, as whoever sends back what it got does, stays as it is.
import { endpoints } from "@postern/protocol";
import { identityProvider } from "../../model/identity-provider.ts";
import { withKeptSecrets } from "../../model/kept-secrets.ts";
import type { ConfiguredObject, Kind } from "../../model/kind.ts";
import { isMap } from "../../model/read-value.ts";
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
    prepare: (body, { standing }) => withSecrets(body, standing?.object),
    show: ({ object }) => ({
      config: {
        ...configOf(identityProvider.toInput(object as never)),
        redirect_url: config.issuer + endpoints.callback,
      },
    }),
  };
}

function withSecrets(body: Record<string, unknown>, standing: ConfiguredObject | undefined) {
  const { redirect_url: _, ...config } = configOf(body);
  return withKeptSecrets({ ...body, config }, standing);
}

function configOf({ config }: Record<string, unknown>): Record<string, unknown> {
  return isMap(config) ? config : {};
}
