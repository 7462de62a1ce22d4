// How an application, or a bookmark, stands in the list on the team domain.
import { z } from "zod";
import { pageLogo } from "./login-design.ts";
import type { Report } from "./problem.ts";
import { someText } from "./values.ts";

const mostTags = 25;

/** Names, each once. */
const tags = z
  .array(someText.refine((tag) => tag.length <= 100, { message: "is longer than 100 characters" }))
  .max(mostTags, { message: `has more than ${mostTags} entries` })
  .transform((names) => [...new Set(names)].sort());

/** The fields, in a file and in force. */
export const tileFields = {
  /** `false` leaves the application out of the list; nobody is kept out */
  app_launcher_visible: z.boolean().optional(),
  /** a picture beside the name; one that pages cannot load is left out */
  logo_url: someText.optional(),
  /** by which the list can be narrowed, sorted */
  tags: tags.optional(),
};

/** The picture beside the name; undefined where pages cannot load it. */
export function tileLogo(url: string | undefined): string | undefined {
  return url?.startsWith("https:") === true ? pageLogo(url) : undefined;
}

/** Warns of a picture that is left out. */
export function checkTile({ logo_url }: { logo_url?: unknown }, report: Report): void {
  if (typeof logo_url !== "string" || tileLogo(logo_url) !== undefined) return;
  report.warning(
    ["logo_url"],
    "is not a picture that pages can load and is left out; write an address that begins with https://",
  );
}
