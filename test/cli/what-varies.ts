// What differs from run to run, and what the session texts write in its place.
import { version } from "../../packages/cli/src/version.ts";

/** What stands in the texts for this run's own. */
export interface Place {
  /** the machine's home directory; `/home/ada` in the texts */
  home: string;
  /** the gateway's port; undefined where none was started */
  port: number | undefined;
}

const homeInText = "/home/ada";
/** As many digits as the real one, so that columns keep their width. */
export const portInText = "18600";

/** In this order: a token has parts that look like something shorter. */
const varying: readonly [pattern: RegExp, name: string][] = [
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "<token>"],
  [/(?<=\b|%3D)[\w-]{43}(?:=|%3D|%253D)/g, "<key>"],
  [/(?<=\/access\/cli\/)[\w-]{43}(?![\w-])/g, "<key>"],
  [/(?<=\b|%3D)[0-9a-f]{64}\b/g, "<aud>"],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "<uuid>"],
  [/\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b/g, "<code>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "<time>"],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d(?: UTC)?/g, "<time>"],
  [/(?<=\buntil )\d\d:\d\d\b/g, "<time>"],
  [/\bAUD [0-9a-f]{8}…/g, "AUD <aud>…"],
  [/\bNode v\d+\.\d+\.\d+, \w+ \w+/g, "Node <node>"],
  [/\bRay [0-9a-f]{16}\b/g, "Ray <ray>"],
  [new RegExp(`\\b${version.replaceAll(".", "\\.")}\\b`, "g"), "<version>"],
];

/** A command of a text as this run types it. */
export function asTyped(text: string, { home, port }: Place): string {
  return text.replaceAll(homeInText, home).replaceAll(portInText, String(port ?? portInText));
}

/** What this run printed as the texts write it. */
export function asWritten(text: string, { home, port }: Place): string {
  const own = text.replaceAll(home, homeInText);
  const onPort = port === undefined ? own : own.replaceAll(String(port), portInText);
  return varying.reduce((rest, [pattern, name]) => rest.replace(pattern, name), onPort);
}
