import { z } from "zod";
import { defined } from "../defined.ts";
import { someTexts } from "./values.ts";

const methods = z.enum([
  "GET",
  "POST",
  "HEAD",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
]);

const fields = z
  .strictObject({
    allow_all_headers: z.boolean(),
    allow_all_methods: z.boolean(),
    allow_all_origins: z.boolean(),
    allow_credentials: z.boolean(),
    allowed_headers: someTexts,
    allowed_methods: z.array(methods),
    allowed_origins: someTexts,
    max_age: z.int().min(-1).max(86_400),
  })
  .partial();

/** What pages of other origins may ask of an application. */
export const corsHeaders = fields
  .superRefine((cors, context) => {
    for (const message of contradictions(cors)) context.addIssue({ code: "custom", message });
  })
  .transform(defined);

/** `cors_headers` of an application, as in the Cloudflare API. */
export type CorsHeaders = z.infer<typeof corsHeaders>;

function* contradictions(cors: z.infer<typeof fields>): Generator<string> {
  for (const what of ["headers", "methods", "origins"] as const) {
    const some = cors[`allowed_${what}`] ?? [];
    if (cors[`allow_all_${what}`] === true && some.length > 0)
      yield `has both allow_all_${what} and allowed_${what}; remove one`;
  }
  if (cors.allow_credentials === true && cors.allow_all_origins === true)
    yield "allows credentials from all origins, which would let every site read the application; list allowed_origins";
}
