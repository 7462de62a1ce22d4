// What a grant, or a pass that is printed, is to cover, read from the flags before anybody is asked
// anything (wire-protocol 8). The gateway holds it to the same bounds.
import {
  isGrantLabel,
  isScopeMethod,
  ProtocolError,
  parseDuration,
  readScopePath,
  scopeLimits,
} from "@postern/protocol";
import { printable } from "@postern/protocol/printable";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import type { GrantWish } from "../../sign-in/approval-address.ts";
import type { CommandLine } from "../command-line.ts";

/** How long a grant lasts that says nothing of it, seconds. */
const usualSeconds = 30 * 60;

/**
 * Reads what is wanted.
 * @param longest seconds that it may last
 * @throws {CliError} usage
 */
export function readGrantWish(line: CommandLine, longest: number): GrantWish {
  const limits = {
    methods: someOf("--method", methodsOf(line), scopeLimits.methods),
    paths: someOf("--path", line.all("path").map(readPath), scopeLimits.paths),
    count: readCount(line.value("count")),
    label: readLabel(line.value("for")),
  };
  return { ttl: readTtl(line.value("ttl"), longest), ...defined(limits) };
}

function methodsOf(line: CommandLine): string[] {
  const names = line.all("method").flatMap((text) => text.split(","));
  return names.map((name) => {
    const method = name.trim().toUpperCase();
    if (isScopeMethod(method)) return method;
    throw wrong("--method", name, "is not a method; write it like GET,POST");
  });
}

function readPath(text: string): string {
  try {
    return readScopePath(text);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new CliError("usage", `--path ${printable(error.message)}; write it like /v1/orders/*`);
  }
}

/** @returns undefined where there are none, which limits nothing */
function someOf(flag: string, texts: string[], most: number): string[] | undefined {
  if (texts.length === 0) return undefined;
  const distinct = [...new Set(texts)];
  if (distinct.length <= most) return distinct;
  throw new CliError("usage", `${flag} may name ${most} at most; make two grants`);
}

function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (/^[1-9]\d*$/.test(text) && count <= scopeLimits.count) return count;
  throw wrong("--count", text, `is not a number of requests, 1 to ${scopeLimits.count}`);
}

function readTtl(text: string | undefined, longest: number): number {
  if (text === undefined) return Math.min(usualSeconds, longest);
  const seconds = secondsOf(text);
  if (seconds !== undefined && seconds >= 1 && seconds <= longest) return Math.floor(seconds);
  const most = longest >= 3600 ? `${longest / 3600}h` : `${longest / 60}m`;
  throw wrong("--ttl", text, `is not a duration of 1s to ${most}; write it like 5m`);
}

function secondsOf(text: string): number | undefined {
  try {
    return parseDuration(text) / 1000;
  } catch {
    return undefined;
  }
}

function readLabel(text: string | undefined): string | undefined {
  if (text === undefined || isGrantLabel(text)) return text;
  const most = scopeLimits.labelLength;
  throw wrong("--for", text, `is not one line of 1 to ${most} visible characters`);
}

function wrong(flag: string, text: string, why: string): CliError {
  return new CliError("usage", `${flag} ${printable(text.slice(0, 60))} ${why}`);
}
