import { isScopeMethod } from "@postern/protocol";
import { z } from "zod";
import { choice, refuse, text } from "../values.ts";
import { defineRule, ofRequest, yes } from "./rule.ts";

/** RFC 9110 9.1: methods are case-sensitive, and those that are in use are upper-case. */
const methodName = text((source) => {
  const name = source.toUpperCase();
  return isScopeMethod(name) ? name : refuse("is not a method; write it like GET");
});

const methodNames = z.array(methodName).min(1, {
  message: "is an empty list, which nothing fits; name a method",
});

const methods = choice<string | string[]>((value) =>
  Array.isArray(value) ? methodNames : methodName,
);

/**
 * [ext] Holds for requests with one of these methods. `GET` covers `HEAD`, which asks for the same
 * and gets less (RFC 9110 9.3.2); a CORS preflight is decided before policy.
 */
export const method = defineRule({
  name: "method",
  schema: z.strictObject({ method: methods }),
  about: "request",
  example: { method: "GET" },
  mainField: "method",
  compile(value) {
    const covered = new Set(coveredMethods(value.method));
    return ofRequest((request) => yes(covered.has(request.method)));
  },
  atom: ({ method }) => ({ of: "method", oneOf: coveredMethods(method) }),
});

function coveredMethods(value: string | readonly string[]): string[] {
  const names = [value].flat();
  return names.includes("GET") ? [...new Set([...names, "HEAD"])] : names;
}
