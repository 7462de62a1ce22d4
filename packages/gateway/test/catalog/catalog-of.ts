import type { Catalog } from "../../src/catalog/catalog.ts";
import { CatalogBuilder } from "../../src/catalog/catalog-builder.ts";
import { runAtOnce } from "../../src/catalog/steps.ts";
import { objectsOf } from "../../src/config/config-objects.ts";
import { loadConfig } from "../../src/config/load-config.ts";

/**
 * The catalog of a configuration with these applications: name → patterns, as somebody wrote them.
 * @param ingress default: nothing is behind them
 * @param publicPaths of the first pattern of the first application
 */
export function catalogOf(
  applications: Record<string, readonly string[]>,
  ingress: readonly Record<string, unknown>[] = [{ service: "http_status:404" }],
  publicPaths: readonly string[] = [],
): Catalog {
  const overrides = publicPaths.map((path_pattern) => ({ path_pattern, behavior: "public" }));
  const document = {
    auth_domain: "login.localhost:8600",
    listen: "127.0.0.1:8600",
    ingress,
    applications: Object.entries(applications).map(([name, [domain, ...more]], index) => ({
      name,
      aud: index.toString(16).padStart(64, "0"),
      ...(index === 0 && overrides.length > 0
        ? { destinations: [{ uri: domain, overrides }, ...more.map((uri) => ({ uri }))] }
        : { domain, self_hosted_domains: more }),
    })),
  };
  const { config } = loadConfig({
    text: JSON.stringify(document),
    file: "test.yaml",
    environment: {},
  });
  const content = { objects: objectsOf(config), settings: config, ingress: config.ingress };
  return runAtOnce(new CatalogBuilder().build(content));
}
