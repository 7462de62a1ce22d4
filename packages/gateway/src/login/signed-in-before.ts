// The addresses that a browser has signed in as before, in a sealed cookie of that browser. Who has
// typed a right code here once is not locked out by strangers who type wrong ones elsewhere
// (providers/pin-limits.ts). The cookie signs nobody in.
import type { Clock } from "../clock.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { LoginContext } from "./login-context.ts";
import { cookieValuesOf, hostCookieName, setOwnCookie } from "./request-cookies.ts";

/** An address of a past sign-in. */
interface PastSignIn {
  /** canonical address */
  email: string;
  /** milliseconds since the epoch */
  at: number;
}

interface Parts {
  secretBox: SecretBox;
  now: Clock;
}

const lifeMs = 180 * 24 * 60 * 60_000;
// People who share a browser; the oldest goes as another comes.
const addressLimit = 5;
const sealContext = "signed in before";
const cookieName = "postern_signed_in";

/** The addresses that this browser has signed in as within half a year, the latest first. */
export function addressesBefore(c: LoginContext, parts: Parts): string[] {
  return pastSignIns(c, parts).map(({ email }) => email);
}

/** Remembers in the browser that it signed in as this address. */
export function rememberAddress(c: LoginContext, parts: Parts, email: string): void {
  const at = parts.now();
  const others = pastSignIns(c, parts).filter((each) => each.email !== email);
  const signIns = [{ email, at }, ...others].slice(0, addressLimit);
  const value = parts.secretBox.seal(JSON.stringify(signIns), sealContext);
  setOwnCookie(c, { name: hostCookieName(c, cookieName), value }, new Date(at + lifeMs));
}

/** Of several cookies, only the first is looked at: a browser of ours has one. */
function pastSignIns(c: LoginContext, { secretBox, now }: Parts): PastSignIn[] {
  const [value = ""] = cookieValuesOf(c, hostCookieName(c, cookieName));
  const text = secretBox.open(value, sealContext);
  if (text === undefined) return [];
  return (JSON.parse(text) as PastSignIn[]).filter(({ at }) => at + lifeMs > now());
}
