// The table of kinds: the configuration, the store and the catalog go through it. The order is that
// of the configuration.
import { application } from "./application.ts";
import { group } from "./group.ts";
import { identityProvider } from "./identity-provider.ts";
import type { Kind } from "./kind.ts";
import { list } from "./list.ts";
import { organization } from "./organization.ts";
import { policy } from "./policy.ts";
import { serviceToken } from "./service-token.ts";
import { tag } from "./tag.ts";

const all = [
  organization,
  identityProvider,
  list,
  group,
  policy,
  serviceToken,
  tag,
  application,
] as const;

type AnyKind = (typeof all)[number];

/** The name of a kind. */
export type ObjectKind = AnyKind["name"];

/** section → what a list of its objects holds, for every kind that may have several */
export type ObjectLists = {
  [Each in AnyKind as Exclude<Each["section"], "organization">]: ReturnType<Each["toObject"]>[];
};

/** kind → what makes an object of it */
export const kinds: ReadonlyMap<string, Kind> = new Map(all.map((kind) => [kind.name, kind]));
