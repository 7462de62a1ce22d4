import { z } from "zod";
import { refuse, text } from "./values.ts";

/** Bytes: it stays in memory. */
const longest = 65_536;

/** Only what every header and every browser takes. */
const contentType = text((source) => {
  if (/^[\w.+-]{1,60}\/[\w.+-]{1,60}(?:; ?[\w-]{1,30}=[\w.-]{1,60}){0,3}$/.test(source))
    return source;
  return refuse("is not a media type; write one like text/plain; charset=utf-8");
});

/** [ext] What `http_status:` says beside its status. */
export const fixedAnswer = z.strictObject({
  body: z.string().refine((value) => Buffer.byteLength(value) <= longest, {
    message: "is longer than 64 kB; serve it from an origin",
  }),
  contentType: contentType.default("text/plain; charset=utf-8"),
});

/** What is said beside a status. */
export type FixedAnswer = z.infer<typeof fixedAnswer>;

/** Whether an answer of this status can have a body that somebody reads. */
export function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 205 && Math.floor(status / 100) !== 3;
}
