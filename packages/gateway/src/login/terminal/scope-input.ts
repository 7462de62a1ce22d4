// What a request for a pass or a grant may say of its limits (wire-protocol 8), read strictly: all
// of it is in the token, and a grant's stands on the page that a person approves.
import {
  type CredentialScope,
  isScopeMethod,
  ProtocolError,
  readScopePath,
  scopeLimits,
} from "@postern/protocol";
import { z } from "zod";
import { defined } from "../../defined.ts";

const method = z.string().max(scopeLimits.pathLength).refine(isScopeMethod);
const path = z.string().max(scopeLimits.pathLength).transform(readPath);

/** Fields of a strict object. */
export const scopeFields = {
  methods: z.array(method).min(1).max(scopeLimits.methods).optional(),
  paths: z.array(path).min(1).max(scopeLimits.paths).optional(),
  count: z.int().min(1).max(scopeLimits.count).optional(),
};

/** The scope among the fields that were read. */
export function scopeOf({ methods, paths, count }: Scoped): CredentialScope {
  return defined({ methods: distinct(methods), paths: distinct(paths), count });
}

type Scoped = { [Name in keyof CredentialScope]?: CredentialScope[Name] | undefined };

function distinct(texts: string[] | undefined): string[] | undefined {
  return texts && [...new Set(texts)];
}

function readPath(text: string, context: z.RefinementCtx): string {
  try {
    return readScopePath(text);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
}
