// `meta` tokens: what the data path knows of an anonymous request, on its way through the browser
// to the sign-in page. HS256 with a key of its own: only the gateway reads them.
import { checkTimes, decodeToken, type MetaClaims, ProtocolError } from "@postern/protocol";
import type { Clock } from "../clock.ts";
import { signHs256, verifyHs256 } from "./jws.ts";

const lifeSeconds = 300;

export interface MetaKey {
  key: Buffer;
  now: Clock;
}

export type MetaContent = Omit<MetaClaims, "type" | "iat" | "exp">;

export function sealMeta({ key, now }: MetaKey, content: MetaContent): string {
  const iat = Math.floor(now() / 1000);
  const claims: MetaClaims = { ...content, type: "meta", iat, exp: iat + lifeSeconds };
  return signHs256(claims, key);
}

/** @returns undefined when it has expired, or is not ours */
export function openMeta({ key, now }: MetaKey, token: string): MetaClaims | undefined {
  try {
    const { header, claims } = decodeToken(token);
    // The algorithm is fixed: a token's header never chooses it (case T3).
    if (header["alg"] !== "HS256" || !verifyHs256(token, key)) return undefined;
    if (claims["type"] !== "meta") return undefined;
    checkTimes(claims, now() / 1000);
    return claims as unknown as MetaClaims;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
