import { group } from "../../model/group.ts";
import type { Kind } from "../../model/kind.ts";
import { byName, bySearch, type ObjectResource } from "./object-resource.ts";

/** Groups of rules (access-api 2.3). */
export const groups: ObjectResource = {
  kind: group as Kind,
  path: "/access/groups",
  area: "organizations",
  deleted: 202,
  readOnly: [],
  filters: { name: byName, search: bySearch },
};
