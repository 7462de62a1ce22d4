// The name by which a proxy knows a service, where the gateway decides and the proxy carries the
// request (wire-protocol 12). It stands for all that the rule says of the service: after a change
// of the rule, a proxy that still has the earlier one does not know the name.
import { createHash } from "node:crypto";
import type { IngressRule } from "../model/model.ts";

/** @returns `postern_` and 12 hex digits: a name in the configuration of every proxy */
export function serviceName({
  service,
  originRequest,
}: Pick<IngressRule, "service" | "originRequest">): string {
  const content = JSON.stringify([service, originRequest]);
  return `postern_${createHash("sha256").update(content).digest("hex").slice(0, 12)}`;
}
