// `keys rotate` and `keys ssh`, beside gateways that run: they notice.
import { printable } from "@postern/protocol/printable";
import { systemStopwatch } from "../clock.ts";
import { configIn, isOn, refuseArguments, refuseFile, valueIn } from "../command-call.ts";
import { SshAuthorities } from "../ssh/authorities.ts";
import { findCertifying } from "../ssh/find-certifying.ts";
import { publicKeyLine } from "../ssh/public-key.ts";
import { organizationTagIn } from "../store-keys.ts";
import { createTokens } from "../tokens/create-tokens.ts";
import type { KeyRotation } from "../tokens/tokens.ts";
import { UsageError } from "../usage-error.ts";
import type { Command } from "./command.ts";
import { withStore } from "./store-in-use.ts";

/** `keys rotate`: the published next key signs from now on. */
export const rotateKeys: Command = async (call, world) => {
  refuseFile(call, "keys rotate");
  refuseArguments(call.args, "keys rotate");
  const config = configIn(call);
  const { randomBytes, now } = world;
  const rotation = await withStore(config, world, async ({ store, secretBox, catalogs }) => {
    const tokens = await createTokens({
      ...{ store, secretBox, catalogs, now, randomBytes },
      elapsed: systemStopwatch,
      organizationTag: await organizationTagIn(store, randomBytes),
      // Nobody asks for descriptions here.
      limits: { take: () => false },
    });
    return tokens.rotateKeys();
  });
  world.print(`${rotationLines(rotation).join("\n")}\n`);
};

function rotationLines({ before, now, acceptedUntil }: KeyRotation): string[] {
  if (before === now) return [`Another process rotated the keys at the same time; ${now} signs.`];
  const end = new Date(acceptedUntil).toISOString().replace(/\.\d+Z$/, "Z");
  return [
    `Signing now:  ${now}`,
    `Until now:    ${before}, accepted until ${end}`,
    "Gateways on this store sign with the new key within a second.",
  ];
}

/**
 * `keys ssh --application NAME`: what signs the application's SSH certificates, made when there is
 * nothing yet, or anew where that is asked for, as a line for the file that `TrustedUserCAKeys` of
 * sshd names.
 */
export const showSshAuthority: Command = async (call, world) => {
  refuseArguments(call.args, "keys ssh");
  const name = valueIn(call, "application");
  if (name === undefined)
    throw new UsageError(`keys ssh needs an application, for example: ${call.example}`);
  const config = configIn(call, "keys ssh --application NAME");
  const line = await withStore(config, world, async ({ store, secretBox, catalogs }) => {
    const { aud, domains } = findCertifying(catalogs.current().applications, name);
    const { now } = world;
    const authorities = new SshAuthorities({ store: store.sshAuthorities, secretBox, now });
    const authority = isOn(call, "replace") ? authorities.replace(aud) : authorities.of(aud);
    return `${publicKeyLine((await authority).publicKey)} ${domains[0]}`;
  });
  world.print(`${printable(line)}\n`);
};
