// What a kind of object says about itself: everything that makes an object of it valid, wherever it
// came from. The configuration and an API share it, and so does whoever reads the store.
import type { z } from "zod";
import type { FieldPath, Report } from "./problem.ts";
import { removeAt } from "./value-at.ts";

/** What every object has. */
export interface ConfiguredObject {
  id: string;
  name: string;
  /** applications alone */
  aud?: string | undefined;
}

/**
 * What a kind says about its objects. `Input` is what somebody writes, `Configured` what is stored.
 */
export interface Kind<Input = unknown, Configured extends ConfiguredObject = ConfiguredObject> {
  /** as stored, and in the ids that are made from names */
  readonly name: string;
  /** as people say it: "identity provider" */
  readonly noun: string;
  /** where its objects are in postern.yaml */
  readonly section: string;
  /**
   * `one`: the installation has exactly one. `unique`: its names are references, so no two objects
   * share one. `free`: names are for people alone.
   */
  readonly naming: "one" | "unique" | "free";
  /** what tells objects of one name apart, where names are free */
  distinction(object: Configured): string;

  /** what somebody writes: field names of the Cloudflare v4 API, references by id */
  readonly schema: z.ZodType<Input>;
  /** the fields of `schema`, for whoever describes them */
  readonly fields: z.ZodObject;
  /**
   * what is stored and in force: the same object in canonical form, with nothing left to default
   */
  readonly stored: z.ZodType<Configured>;
  /** fields of the stored object that are secrets */
  readonly secrets: readonly Secret[];

  /** the objects that this one names, as far as its shape can be read */
  references(item: unknown): Reference[];
  /** objects with an id of their own that are inside this one */
  parts(item: unknown): Part[];
  /** the object without them: a fault inside of them hides nothing of the rest */
  withoutParts(item: unknown): unknown;
  /** what an object takes for itself: `check` finds out whether another one has it */
  claims(object: Configured): string[];
  /** Reports what needs two fields or other objects to be seen, and what is hardly meant. */
  check(input: Input, world: World, report: Report): void;
  toObject(input: Input, tools: Tools): Configured;
  /**
   * The way back: an object as somebody would write it, with what its defaults have become. Secrets
   * are left out.
   */
  toInput(object: Configured): Record<string, unknown>;
}

/** What a kind says about objects that are in force. */
export type StoredKind<Configured extends ConfiguredObject> = Pick<
  Kind<unknown, Configured>,
  "name" | "stored"
>;

/** A secret in an object: it is sealed in the store, and nobody is shown it. */
export interface Secret {
  at: FieldPath;
  /** what it is sealed for, together with the object's id; databases depend on it */
  context: string;
}

/** An object that is named by another one. */
export interface Reference {
  /** the kind of what is named */
  kind: string;
  /** path of its id */
  at: FieldPath;
  /** the field beside the id that may have its name instead; undefined: the id's own field may */
  name?: string;
}

/** An object inside another one. */
export interface Part {
  /** the kind of the object inside */
  kind: string;
  at: FieldPath;
}

/** What one object is judged against: the others, and what the gateway keeps for itself. */
export interface World {
  /** the object that has this id, if its shape is right */
  find<Configured extends ConfiguredObject>(
    kind: StoredKind<Configured>,
    id: string,
  ): Configured | undefined;
  /** how many objects of a kind there are, right or wrong */
  count(kind: string): number;
  /** which other object has claimed this: words such as `applications[0]` */
  ownerOf(claim: string): string | undefined;
  /** hosts that no application may have */
  ownHosts: ReadonlySet<string>;
  /** whether PINs can be mailed */
  hasMail: boolean;
  /** whether the country of an address can be looked up */
  knowsCountries: boolean;
}

/** What a kind must not do by itself, since the model is pure. */
export interface Tools {
  /** SHA-256, hex */
  hash(secret: string): string;
}

type Silent =
  | "distinction"
  | "secrets"
  | "references"
  | "parts"
  | "withoutParts"
  | "claims"
  | "check"
  | "toInput";

/** Gives a kind its types. What it says nothing about is empty. */
export function defineKind<
  const Name extends string,
  const Section extends string,
  Input,
  Configured extends ConfiguredObject,
>(
  kind: Omit<Kind<Input, Configured>, Silent> &
    Partial<Pick<Kind<Input, Configured>, Silent>> & { name: Name; section: Section },
): Kind<Input, Configured> & { name: Name; section: Section } {
  return {
    distinction: () => "",
    secrets: [],
    references: () => [],
    parts: () => [],
    withoutParts: (item) => item,
    claims: () => [],
    check: () => undefined,
    toInput: (object) => withoutSecrets(kind.secrets ?? [], withFields(object)),
    ...kind,
  };
}

/** An object with the fields in place that have no effect (without-effect.ts). */
export function withFields<Configured extends object>(
  object: Configured & { without_effect?: Record<string, unknown> | undefined },
): Record<string, unknown> {
  const { without_effect, ...fields } = object;
  return { ...fields, ...without_effect };
}

/** An object without the fields that are secrets. */
function withoutSecrets(
  secrets: readonly Secret[],
  object: Record<string, unknown>,
): Record<string, unknown> {
  return secrets.reduce((rest, { at }) => removeAt(rest, at) as Record<string, unknown>, object);
}

/** "a group", "an identity provider" */
export function withArticle(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}
