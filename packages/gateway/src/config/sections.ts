import type { z } from "zod";
import { ingressRule } from "../model/ingress-rule.ts";
import { kinds } from "../model/kinds.ts";
import { identifier } from "../model/values.ts";
import { accessTest } from "./access-test.ts";

/**
 * section → the fields of one of its objects, as a file has them: who leaves out an id gets one
 * that is made of the name.
 */
export const sections: Readonly<Record<string, z.ZodObject>> = {
  ...Object.fromEntries(
    [...kinds.values()].map(({ section, naming, fields }) => [
      section,
      naming === "one" ? fields : fields.extend({ id: identifier.optional() }),
    ]),
  ),
  ingress: ingressRule,
  /** [ext] */
  tests: accessTest,
};
