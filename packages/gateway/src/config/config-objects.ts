// The objects of a configuration, whatever their section: what is stored and compared.
import type { ConfiguredObject } from "../model/kind.ts";
import { kinds, type ObjectKind } from "../model/kinds.ts";
import { organizationId } from "../model/organization.ts";
import type { Config } from "./load-config.ts";

/** An object of a kind. An application of a file has no AUD where one is to be found or made. */
export interface KindObject {
  kind: ObjectKind;
  object: ConfiguredObject;
}

/** All objects, in the order of the configuration. */
export function objectsOf(config: Config): KindObject[] {
  const sections: Record<string, unknown> = {
    ...config,
    organization: organizationIn(config),
  };
  return [...kinds.values()].flatMap(({ name, section }) =>
    (sections[section] as ConfiguredObject[]).map((object) => ({
      kind: name as ObjectKind,
      object,
    })),
  );
}

/**
 * The team domain is the file's alone: where people sign in goes with the addresses that are
 * listened on.
 */
function organizationIn({ organization }: Config): ConfiguredObject[] {
  if (organization === undefined) return [];
  const { auth_domain: _, ...fields } = organization;
  return [{ id: organizationId, ...fields }];
}

/** Names an object among those of all kinds. */
export function keyOf(kind: string, id: string): string {
  return `${kind} ${id}`;
}
