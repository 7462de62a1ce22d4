// What a gateway serves, for whoever starts it: each application with its address, its AUD and the
// origin behind it.
import type { Catalog } from "./catalog/catalog.ts";
import { chooseService, serviceText } from "./catalog/choose-service.ts";
import type { EventFields } from "./observe/events.ts";

/** More than these are counted only: nobody reads a thousand lines at a start. */
const mostListed = 20;

/** People see applications at the scheme and the port of the team domain. */
export function servedApplications(catalog: Catalog): EventFields["applications_listed"] {
  const { protocol, port } = new URL(catalog.issuer);
  const listed = catalog.applications.slice(0, mostListed).map(({ name, aud, domains }) => {
    const [domain = ""] = domains;
    const [host = "", ...path] = domain.split("/");
    const authority = port === "" ? host : `${host}:${port}`;
    const rule = chooseService(catalog.ingress, host, `/${path.join("/")}`);
    return {
      name,
      url: `${protocol}//${[authority, ...path].join("/")}`,
      origin: rule === undefined ? "http_status:404" : serviceText(rule.service),
      aud,
    };
  });
  const more = catalog.applications.length - listed.length;
  return more > 0 ? { applications: listed, more } : { applications: listed };
}
