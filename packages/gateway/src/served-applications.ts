// What a gateway serves, for whoever starts it: each application with its address, its AUD and the
// origin behind it.
import type { Catalog } from "./catalog/catalog.ts";
import { chooseService, serviceText } from "./catalog/choose-service.ts";
import type { EventFields } from "./observe/events.ts";

/** More than these are counted only: nobody reads a thousand lines at a start. */
const mostListed = 20;

/** @param port that people see, with its colon; "" for the scheme's own */
export function servedApplications(
  catalog: Catalog,
  port: string,
): EventFields["applications_listed"] {
  const [scheme = "https"] = catalog.issuer.split("://", 1);
  const listed = catalog.applications.slice(0, mostListed).map(({ name, aud, domains }) => {
    const [domain = ""] = domains;
    const [host = "", ...path] = domain.split("/");
    const rule = chooseService(catalog.ingress, host, `/${path.join("/")}`);
    return {
      name,
      url: `${scheme}://${[host + port, ...path].join("/")}`,
      origin: rule === undefined ? "http_status:404" : serviceText(rule.service),
      aud,
    };
  });
  const more = catalog.applications.length - listed.length;
  return more > 0 ? { applications: listed, more } : { applications: listed };
}
