// A browser that does not keep the application's token would go from the application to the team
// domain and back without end. It is told so after a few times: a cookie counts how often it was
// handed over to one address within a minute. One that keeps no cookies at all holds no hand-over.
import type { Clock } from "../../clock.ts";
import type { LoginContext } from "../login-context.ts";
import {
  cookieValuesOf,
  hostCookieName,
  removeOwnCookie,
  setOwnCookie,
} from "../request-cookies.ts";
import { sha256 } from "../secret-values.ts";

/** Browsers give up after some 20 redirects; one round takes three. */
const handOverLimit = 5;
const lifeMs = 60_000;

/**
 * Counts a hand-over of this browser.
 * @param address where it goes; people who open many tabs at once go to different ones
 * @returns false when it has been there too often: it is to be told, and may try again
 */
export function countHandOver(c: LoginContext, { now }: { now: Clock }, address: string): boolean {
  const name = hostCookieName(c, "postern_handovers");
  const target = sha256(address).slice(0, 16);
  const [value = ""] = cookieValuesOf(c, name);
  const [lastTarget, lastCount] = value.split(".", 2);
  const count = lastTarget === target ? Number(lastCount) + 1 : 1;
  if (count > handOverLimit) {
    removeOwnCookie(c, name);
    return false;
  }
  setOwnCookie(c, { name, value: `${target}.${count}` }, new Date(now() + lifeMs));
  return true;
}
