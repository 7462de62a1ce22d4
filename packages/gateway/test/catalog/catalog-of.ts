import { buildCatalog } from "../../src/catalog/build-catalog.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { recordsOf } from "../../src/catalog/configured-records.ts";
import { loadConfig } from "../../src/config/load-config.ts";

/**
 * The catalog of a configuration with these applications: name → patterns, as somebody wrote them.
 */
export function catalogOf(applications: Record<string, readonly string[]>): Catalog {
  const document = {
    auth_domain: "login.localhost:8600",
    listen: "127.0.0.1:8600",
    ingress: [{ service: "http_status:404" }],
    applications: Object.entries(applications).map(([name, [domain, ...more]], index) => ({
      name,
      aud: index.toString(16).padStart(64, "0"),
      domain,
      self_hosted_domains: more,
    })),
  };
  const { config } = loadConfig({
    text: JSON.stringify(document),
    file: "test.yaml",
    environment: {},
  });
  return buildCatalog(recordsOf(config), config);
}
