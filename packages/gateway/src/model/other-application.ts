// Applications that no request reaches: bookmarks, which are a link in the list on the team domain,
// and types that mean something at Cloudflare and nothing here, today's and those to come. What was
// written of them is kept and comes back; nothing in it grants anything.
import { nearestWord } from "@postern/protocol/nearest-word";
import { z } from "zod";
import { policyEntries } from "./application-policies.ts";
import { plainHost } from "./login-design.ts";
import type { Report } from "./problem.ts";
import { isMap } from "./read-value.ts";
import { checkTile, tileFields } from "./tile.ts";
import { warnOfSecrets } from "./unkept-secrets.ts";
import { choice, hex64, identifier, objectName, refuse, text } from "./values.ts";

/** The type that requests reach. */
export const servedType = "self_hosted";
/** The type of a link. */
export const bookmarkType = "bookmark";

/** Those of the Cloudflare API (access-features 2). */
const knownTypes = [
  ...[servedType, bookmarkType, "saas", "ssh", "vnc", "rdp", "app_launcher", "warp", "biso"],
  ...["dash_sso", "infrastructure", "mcp", "mcp_portal", "proxy_endpoint", "end_user"],
];

/** The type of an application; one that nobody has heard of may be of a later version. */
export const applicationType = text((source) => {
  if (!/^[a-z][a-z0-9_-]{0,49}$/.test(source))
    refuse(`is not a type of application; write ${servedType}`);
  const meant = knownTypes.includes(source) ? undefined : nearestWord(source, knownTypes);
  if (meant !== undefined) refuse(`is not a type of application; do you mean ${meant}?`);
  return source;
});

/** Characters of JSON that one application may have. */
const longest = 65_536;
const deepest = 20;

const anyOther = z.looseObject({
  id: identifier,
  aud: hex64("is not 64 lower-case hex characters").optional(),
  name: objectName.optional(),
  type: applicationType,
  policies: policyEntries.prefault([]),
});
const bookmark = anyOther.extend(tileFields);

/** What somebody writes: whatever the type has, beside what every application has. */
export const otherApplication = choice<z.infer<typeof anyOther>>((value) =>
  isMap(value) && value["type"] === bookmarkType ? bookmark : anyOther,
)
  .superRefine((value, context) => {
    const { policies: _, ...rest } = value;
    const isTooMuch = depthOf(rest) > deepest || JSON.stringify(rest).length > longest;
    if (isTooMuch) context.addIssue({ code: "custom", message: "has more than can be kept" });
  })
  .transform(({ id, aud, name, type, policies, ...sent }) => ({
    ...{ id, aud, name: name ?? type, type, policies, sent },
  }));

export type OtherApplication = z.infer<typeof otherApplication>;

/** Whether somebody writes an application of another type than requests reach. */
export function isOtherType(value: unknown): boolean {
  const type = isMap(value) ? value["type"] : undefined;
  return typeof type === "string" && type !== servedType;
}

/** Reports what a bookmark lacks, and what is hardly expected of other types. */
export function checkOther({ type, policies, sent }: OtherApplication, report: Report): void {
  warnOfSecrets(sent, report);
  if (type !== bookmarkType) {
    const kept =
      "is no type that this gateway serves: the application is kept, and nobody reaches it";
    report.warning(["type"], kept);
    return;
  }
  if (bookmarkAddress(sent) === undefined)
    report.problem(
      ["domain"],
      "is no address that a link can lead to; write https://www.example.com",
    );
  if (policies.length === 0) report.warning([], "has no policies, so nobody sees it");
  checkTile(sent, report);
}

/** How a bookmark stands in the list. */
export function tileOf(sent: Record<string, unknown>): z.infer<typeof tile> {
  return tile.safeParse(sent).data ?? {};
}

const tile = z.object(tileFields);

function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== "object" || value === null || depth > deepest) return depth;
  return Math.max(depth, ...Object.values(value).map((each) => depthOf(each, depth + 1)));
}

/**
 * Where a bookmark leads: its `domain`, which is a URL or a host with or without a path.
 * @returns undefined where that is no address of the web
 */
export function bookmarkAddress({ domain }: Record<string, unknown>): string | undefined {
  if (typeof domain !== "string" || domain === "" || domain.length > 2_000) return undefined;
  const address = /^[a-z][a-z0-9+.-]*:/i.test(domain) && !/^[^/]*:\d/.test(domain);
  const full = address ? domain : `https://${domain}`;
  if (!URL.canParse(full)) return undefined;
  const url = new URL(full);
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  return isWeb && url.username === "" && plainHost.test(url.hostname) ? url.href : undefined;
}
