import { decodeToken } from "@postern/protocol";

/** The application that a token says it is for. Nothing is believed before it is verified. */
export function claimedAudience(token: string): string | undefined {
  try {
    const { aud } = decodeToken(token).claims;
    const first: unknown = Array.isArray(aud) ? aud[0] : aud;
    return typeof first === "string" ? first : undefined;
  } catch {
    return undefined;
  }
}
