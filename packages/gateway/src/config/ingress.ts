// Where requests go: `ingress` as in cloudflared, first match wins, the last rule takes the rest.
// Paths are prefixes or globs, never regular expressions: they would run on every request (case
// O7).
import { parsePattern } from "@postern/protocol";
import type { z } from "zod";
import type { IngressRule, IngressService } from "../model/model.ts";
import { checkAuthorities, type FileContext } from "./certificate-files.ts";
import type { FieldPath } from "./document.ts";
import { readShape } from "./read-shape.ts";
import type { Report } from "./report.ts";
import { ingressRule } from "./shapes.ts";
import { patternFault } from "./values.ts";

type WrittenRule = z.infer<typeof ingressRule>;

const notYet = /^(?:tcp|ssh|rdp|smb|ws|wss|bastion|socks|hello[-_]world)\b/;

export function readIngress(
  items: readonly unknown[],
  { report, resolvePath }: FileContext,
): IngressRule[] {
  const seen = new Map<string, number>();
  return items.flatMap((item, index) => {
    const path = ["ingress", index];
    const rule = readShape(ingressRule, item, path, report);
    if (rule === undefined) return [];
    const covered = rule.path === undefined ? "" : readPath(rule.path, [...path, "path"], report);
    if (covered !== undefined)
      checkPlace(rule.hostname ?? "*", covered, index, { seen, last: items.length - 1, report });
    const { caPool } = rule.originRequest;
    if (caPool !== undefined)
      checkAuthorities(resolvePath(caPool), [...path, "originRequest", "caPool"], report);
    const service = readService(rule.service, [...path, "service"], report, resolvePath);
    return service === undefined ? [] : [toRule(rule, covered ?? "", service, resolvePath)];
  });
}

interface Places {
  seen: Map<string, number>;
  /** index of the last rule */
  last: number;
  report: Report;
}

function checkPlace(
  hostname: string,
  covered: string,
  index: number,
  { seen, last, report }: Places,
): void {
  const path = ["ingress", index];
  const takesAll = hostname === "*" && covered === "";
  if (index === last) {
    if (!takesAll)
      report.problem(
        path,
        "the last rule must take the rest: add one with only a service, such as {service: http_status:404}",
      );
    return;
  }
  if (takesAll)
    report.problem(
      path,
      "takes every request, so the rules after it are never reached; move it to the end",
    );
  const before = seen.get(hostname + covered);
  if (before !== undefined)
    report.problem(
      path,
      `has the same hostname and path as ingress[${before}]; remove one of them`,
    );
  else if (!takesAll) seen.set(hostname + covered, index);
}

function toRule(
  rule: WrittenRule,
  path: string,
  service: IngressService,
  resolvePath: (path: string) => string,
): IngressRule {
  const { httpHostHeader, connectTimeout, responseTimeout, noTLSVerify, originServerName, caPool } =
    rule.originRequest;
  return {
    ...(rule.hostname === undefined ? {} : { hostname: rule.hostname }),
    ...(path === "" ? {} : { path }),
    service,
    originRequest: {
      connectTimeout,
      responseTimeout,
      ...(httpHostHeader === undefined ? {} : { httpHostHeader }),
      ...(noTLSVerify === undefined ? {} : { noTLSVerify }),
      ...(originServerName === undefined ? {} : { originServerName }),
      ...(caPool === undefined ? {} : { caPool: resolvePath(caPool) }),
    },
  };
}

/** In the one spelling that requests have, without a slash at its end; "" for all paths. */
function readPath(written: string, path: FieldPath, report: Report): string | undefined {
  if (!/^[/*]/.test(written)) {
    report.problem(
      path,
      "must begin with /; it is a prefix or a glob, not a regular expression",
      written,
    );
    return undefined;
  }
  if (/[\\^$()[\]{}|?#\s]|\.\*|\.\+/.test(written)) {
    report.problem(
      path,
      "looks like a regular expression; write a prefix such as /v1, or a glob such as /v1/*/items",
      written,
    );
    return undefined;
  }
  try {
    return parsePattern(`any${written.startsWith("/") ? "" : "/"}${written}`).path;
  } catch (error) {
    report.problem(path, patternFault(error), written);
    return undefined;
  }
}

function readService(
  written: string,
  path: FieldPath,
  report: Report,
  resolvePath: (path: string) => string,
): IngressService | undefined {
  const status = /^http_status:([2-5]\d\d)$/.exec(written)?.[1];
  if (status !== undefined) return { kind: "status", status: Number(status) };
  const [, tls, socket] = /^unix(\+tls)?:(.+)$/.exec(written) ?? [];
  if (socket !== undefined)
    return { kind: "unix", path: resolvePath(socket), tls: tls !== undefined };
  const url = /^https?:\/\//.test(written) && URL.canParse(written) ? new URL(written) : undefined;
  if (url !== undefined) {
    if (
      url.pathname === "/" &&
      url.search === "" &&
      url.hash === "" &&
      url.username === "" &&
      url.password === ""
    )
      return { kind: "http", origin: url.origin };
    report.problem(
      path,
      "must be scheme, host and port alone, without path, query or user: requests keep the path they came with",
      written,
    );
  } else if (notYet.test(written)) {
    report.problem(
      path,
      "is a kind of service that is not supported yet; write http://, https://, unix: or http_status:",
      written,
    );
  } else {
    report.problem(
      path,
      "is not a service; write http://10.0.0.5:3000, https://…, unix:/path, unix+tls:/path or http_status:404",
      written,
    );
  }
  return undefined;
}
