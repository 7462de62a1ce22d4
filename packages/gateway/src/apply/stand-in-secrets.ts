// A provider that cannot be without a secret, and whose secret is not known here: something that
// nobody knows stands in its place, so that everything else of it can be there already. Sign-ins
// with it fail until somebody says the secret.
import { generateKeyPairSync } from "node:crypto";
import type { Kind } from "../model/kind.ts";
import { fieldName } from "../model/problem.ts";
import { isMap } from "../model/read-value.ts";
import { replaceAt, valueAt } from "../model/value-at.ts";
import type { RandomBytes } from "../random.ts";

/** The fields, valid, and the names of those that stand in. */
export interface StandIns {
  fields: Record<string, unknown>;
  standIns: string[];
}

/** The object as it was written where that is valid, or where no secret would make it so. */
export function withStandIn(
  kind: Kind,
  fields: Record<string, unknown>,
  randomBytes: RandomBytes,
): StandIns {
  const asWritten = { fields, standIns: [] };
  if (kind.secrets.length === 0 || kind.schema.safeParse(fields).success) return asWritten;
  for (const { at } of kind.secrets) {
    if (valueAt(fields, at) !== undefined || !isMap(valueAt(fields, at.slice(0, -1)))) continue;
    const isKey = at.at(-1) === "private_key";
    const secret = isKey ? unknownKey() : randomBytes(32).toString("base64url");
    const whole = replaceAt(fields, at, secret) as Record<string, unknown>;
    if (kind.schema.safeParse(whole).success) return { fields: whole, standIns: [fieldName(at)] };
  }
  return asWritten;
}

function unknownKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
