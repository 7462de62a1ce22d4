import { z } from "zod";
import { parseAddress } from "../../network.ts";
import { someText } from "../values.ts";
import { checkListType } from "./list-type.ts";
import { defineRule, yes } from "./rule.ts";

/** Holds for clients of the networks and addresses of a list. */
export const ipList = defineRule({
  name: "ip_list",
  schema: z.strictObject({ id: someText }),
  about: "request",
  example: { id: "offices" },
  mainField: "id",
  refersTo: { kind: "list", id: "id", name: "name" },
  compile({ id }, lookup) {
    const list = lookup.list(id);
    return ({ ip }) => {
      const address = parseAddress(ip);
      // An address that cannot be read, or a list that is gone, denies (case H5).
      if (list?.type !== "IP" || address === undefined) return "unknown";
      return yes(list.hasAddress(address));
    };
  },
  atom({ id }, lists) {
    const list = lists(id);
    if (list?.type !== "IP") return { of: "unjudged", kind: "ip_list" };
    return { of: "address", networks: list.values };
  },
  check: ({ id }, lookup, report) => checkListType(id, "IP", lookup, report),
});
