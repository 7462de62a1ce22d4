import type { z } from "zod";

/** What a type of identity provider says about itself. The code that asks it is in login/. */
export interface ProviderKind<Type extends string = string, Config = unknown> {
  /** as in the API */
  readonly type: Type;
  readonly config: z.ZodType<Config>;
  /** fields of the config that are secrets */
  readonly secrets: readonly string[];
  /** whether it mails a PIN to whoever asks: then everybody who has an address can sign in */
  readonly mailsPins: boolean;
}

/** Gives a type of identity provider its types. */
export function defineProvider<const Type extends string, Config>(
  provider: ProviderKind<Type, Config>,
): ProviderKind<Type, Config> {
  return provider;
}
