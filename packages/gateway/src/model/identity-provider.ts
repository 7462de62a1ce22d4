// Identity providers: who vouches for people, and where to ask. What each type of provider needs is
// in providers/.
import { nearestWord } from "@postern/protocol/nearest-word";
import { z } from "zod";
import { defineKind, type World } from "./kind.ts";
import * as registered from "./providers/index.ts";
import type { OidcConfig } from "./providers/oidc.ts";
import type { ProviderKind } from "./providers/provider.ts";
import { isMap } from "./read-value.ts";
import { choice, identifier, objectName, refuse, text } from "./values.ts";

export type { ClientAuthMethod, OidcConfig } from "./providers/oidc.ts";

/** A provider as it is stored and in force; secrets are in clear. */
export interface IdentityProvider {
  id: string;
  name: string;
  type: (typeof registered)[keyof typeof registered]["type"];
  config: OidcConfig | Record<string, never>;
}

const providers: readonly ProviderKind[] = Object.values(registered);
const typeNames = providers.map(({ type }) => type);

const noProvider = z.strictObject({
  id: identifier,
  name: objectName,
  type: text(refuseType),
  config: z.unknown().optional(),
});

/** What other products call what is here one of `typeNames`. */
const speakOidc =
  /^(?:open.?id.*|google.*|gsuite|azure.*|entra.*|okta|keycloak|authentik|auth0|gitlab)$/i;
const sendPins = /^(?:otp|pin|e?mail|one.?time.*)$/i;

function refuseType(source: string): never {
  const example = `write ${typeNames.join(" or ")}`;
  const near = nearestWord(source, typeNames);
  const noType = "is not a type of identity provider";
  if (near !== undefined) refuse(noType, { own: `do you mean ${near}?`, example });
  if (sendPins.test(source)) refuse(noType, { own: "write onetimepin", example });
  if (speakOidc.test(source))
    refuse("is not a type of its own", {
      own: "write oidc, which this provider speaks, and its issuer in config",
      example,
    });
  return refuse("is not supported yet", { own: example, example });
}

/** The schema of a provider, which depends on its type. @param configOf the schema of its config */
function providerSchema(configOf: (provider: ProviderKind) => z.ZodType) {
  const schemas = new Map<unknown, z.ZodType>();
  for (const provider of providers) {
    const type = z.literal(provider.type);
    schemas.set(provider.type, noProvider.extend({ type, config: configOf(provider) }));
  }
  return choice((item) => {
    const type = isMap(item) ? item["type"] : undefined;
    return (schemas.get(type) ?? noProvider) as z.ZodType<IdentityProvider>;
  });
}

/** Everything that makes an identity provider valid. */
export const identityProvider = defineKind({
  name: "identity_provider",
  noun: "identity provider",
  section: "identity_providers",
  naming: "unique",
  schema: providerSchema(({ config }) => config.prefault({})),
  fields: noProvider,
  stored: providerSchema(({ config }) => config),
  secrets: providers.flatMap(({ secrets }) =>
    secrets.map((field) => ({ at: ["config", field], context: `idp ${field}` })),
  ),
  check({ type }, world, report) {
    if (mailsPins(type) && !world.hasMail)
      report.warning([], "mails PINs, and no mail server is configured; add smtp");
  },
  toObject: ({ id, name, type, config }) => ({ id, name, type, config }),
});

/** Whether everybody who has an email address can sign in with providers of this type. */
export function mailsPins(type: IdentityProvider["type"] | undefined): boolean {
  return providers.some((provider) => provider.type === type && provider.mailsPins);
}

/** The claims that a provider of this id keeps; undefined when nothing is known of it. */
export function claimsIn(world: World, id: string): readonly string[] | undefined {
  const provider = world.find(identityProvider, id);
  return provider === undefined ? undefined : claimsOf(provider);
}

/** The claims that a provider keeps. */
function claimsOf({ config }: IdentityProvider): readonly string[] {
  return "claims" in config ? (config.claims ?? []) : [];
}
