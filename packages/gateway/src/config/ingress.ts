// Where requests go: `ingress` as in cloudflared, first match wins, the last rule takes the rest. Paths are
// prefixes or globs, never regular expressions: they would run on every request (case O7).
import type { z } from "zod";
import type { IngressRule, IngressService } from "../policy/model.ts";
import type { FieldPath } from "./document.ts";
import type { Report } from "./report.ts";
import type { ingressRule } from "./shapes.ts";

type WrittenRule = z.infer<typeof ingressRule>;

const notYet = /^(?:tcp|ssh|rdp|smb|ws|wss|bastion|socks|hello[-_]world)\b/;

export function readIngress(written: readonly WrittenRule[], report: Report, resolvePath: (path: string) => string): IngressRule[] {
  const seen = new Map<string, number>();
  const rules = written.flatMap((rule, index) => {
    const path = ["ingress", index];
    const takesAll = rule.hostname === undefined && (rule.path === undefined || rule.path === "/");
    const last = index === written.length - 1;
    if (last && !takesAll)
      report.problem(path, "the last rule must take the rest: add one with only a service, such as {service: http_status:404}");
    if (!last && takesAll) report.problem(path, "takes every request, so the rules after it are never reached; move it to the end");
    const place = `${rule.hostname ?? "*"}${rule.path?.replace(/\/$/, "") ?? ""}`;
    const before = seen.get(place);
    if (before === undefined) seen.set(place, index);
    else report.problem(path, `has the same hostname and path as ingress[${before}]; remove one of them`);
    if (rule.path !== undefined) checkPath(rule.path, [...path, "path"], report);
    const service = readService(rule.service, [...path, "service"], report, resolvePath);
    return service === undefined ? [] : [toRule(rule, service, resolvePath)];
  });
  return rules;
}

function toRule(rule: WrittenRule, service: IngressService, resolvePath: (path: string) => string): IngressRule {
  const { httpHostHeader, connectTimeout, responseTimeout, noTLSVerify, originServerName, caPool } = rule.originRequest;
  return {
    ...(rule.hostname === undefined ? {} : { hostname: rule.hostname }),
    ...(rule.path === undefined || rule.path === "/" ? {} : { path: rule.path.replace(/(?<=.)\/$/, "") }),
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

function checkPath(written: string, path: FieldPath, report: Report): void {
  if (!/^[/*]/.test(written)) report.problem(path, "must begin with /; it is a prefix or a glob, not a regular expression", written);
  else if (/[\\^$()[\]{}|?#\s]|\.\*|\.\+/.test(written))
    report.problem(path, "looks like a regular expression; write a prefix such as /v1, or a glob such as /v1/*/items", written);
}

function readService(written: string, path: FieldPath, report: Report, resolvePath: (path: string) => string): IngressService | undefined {
  const status = /^http_status:([2-5]\d\d)$/.exec(written)?.[1];
  if (status !== undefined) return { kind: "status", status: Number(status) };
  const [, tls, socket] = /^unix(\+tls)?:(.+)$/.exec(written) ?? [];
  if (socket !== undefined) return { kind: "unix", path: resolvePath(socket), tls: tls !== undefined };
  const url = /^https?:\/\//.test(written) && URL.canParse(written) ? new URL(written) : undefined;
  if (url !== undefined) {
    if (url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" && url.password === "")
      return { kind: "http", origin: url.origin };
    report.problem(
      path,
      "must be scheme, host and port alone, without path, query or user: requests keep the path they came with",
      written,
    );
  } else if (notYet.test(written)) {
    report.problem(path, "is a kind of service that is not supported yet; write http://, https://, unix: or http_status:", written);
  } else {
    report.problem(path, "is not a service; write http://10.0.0.5:3000, https://…, unix:/path, unix+tls:/path or http_status:404", written);
  }
  return undefined;
}
