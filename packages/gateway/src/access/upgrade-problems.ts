// Whether a request that asks to go on with another protocol does so properly, before an origin
// hears of it, and what it is told if not (RFC 6455 4.2.1, RFC 9110 7.8).
import { valuesOf } from "../http/request-headers.ts";
import type { RequestHead } from "../http/transport.ts";
import type { Problem } from "./problems.ts";
import type { ReadRequest } from "./read-request.ts";

const badUpgrade = (error: string, message: string): Problem => ({
  status: 400,
  error,
  heading: "This is not a proper WebSocket",
  message,
});

const notAnUpgrade = badUpgrade(
  "not_an_upgrade",
  "The request asks for a WebSocket, but is no upgrade of HTTP/1.1. Send Connection: Upgrade, one Upgrade header, and no body. A proxy in front of the gateway may have to be told to pass upgrades on.",
);

const wrongMethod = badUpgrade(
  "websocket_method",
  "A WebSocket begins with the method GET. Use that.",
);

const wrongKey = badUpgrade(
  "websocket_key",
  "The request asks for a WebSocket without a proper Sec-WebSocket-Key. Send one of 16 bytes in base64.",
);

const wrongVersion = {
  ...badUpgrade(
    "websocket_version",
    "The only version of WebSocket here is 13. Send Sec-WebSocket-Version: 13.",
  ),
  status: 426,
  headers: { "Sec-WebSocket-Version": "13" },
};

/** HTTP/1.1 says in the same answer to what it can be upgraded (RFC 9110 15.5.22). */
const upgradeRequired = {
  ...wrongVersion,
  headers: { ...wrongVersion.headers, Upgrade: "websocket", Connection: "Upgrade, close" },
};

/** Every answer to an improper upgrade. */
export const upgradeProblems: readonly Problem[] = [
  notAnUpgrade,
  wrongMethod,
  wrongKey,
  wrongVersion,
];

/** 16 bytes in base64. */
const webSocketKey = /^[A-Za-z0-9+/]{22}==$/;

/** What is wrong with a request for a WebSocket; undefined: nothing, or it asks for none. */
export function problemOfUpgrade(
  { method, version }: Pick<RequestHead, "method" | "version">,
  { upgrade, rawHeaders, headers }: ReadRequest,
): Problem | undefined {
  if (!headers.asksForWebSocket) return undefined;
  if (upgrade !== "websocket") return notAnUpgrade;
  if (method !== "GET") return wrongMethod;
  const isHttp2 = version === "2.0";
  if (onlyValue(rawHeaders, "sec-websocket-version") !== "13")
    return isHttp2 ? wrongVersion : upgradeRequired;
  // Over HTTP/2 there is no key (RFC 8441 5).
  if (isHttp2 || webSocketKey.test(onlyValue(rawHeaders, "sec-websocket-key"))) return undefined;
  return wrongKey;
}

/** The one value of a header; "" of none, or of several. */
function onlyValue(rawHeaders: readonly string[], name: string): string {
  const [value = "", ...others] = valuesOf(rawHeaders, name);
  return others.length === 0 ? value : "";
}
