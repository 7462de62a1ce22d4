// Ingress rules: where requests go, as in cloudflared. The first match wins, and the last rule
// takes the rest. Paths are prefixes or globs, never regular expressions: they run on every request
// (case O7).
import { parsePattern } from "@postern/protocol";
import { z } from "zod";
import { type Defined, defined } from "../defined.ts";
import { type BastionDestination, bastionDestination } from "./bastion-destination.ts";
import { type FixedAnswer, fixedAnswer, mayHaveBody } from "./fixed-answer.ts";
import { type IngressService, service } from "./ingress-service.ts";
import { type FieldPath, type Report, reportBelow } from "./problem.ts";
import { isMap, readValue } from "./read-value.ts";
import { hostRemedy, idleLimit, patternFault, refuse, someText, text, timeout } from "./values.ts";

/** `api.example.com`, `*.example.com` for every name below, or `*`: what cloudflared knows. */
const hostname = text((source) => {
  const host = hostIn(source);
  if (host !== undefined) return host;
  const remedy = hostRemedy(source, (text) => hostIn(text) ?? refuse("is none"));
  if (source.includes("/")) refuse("is not a host name: the path has a field of its own", remedy);
  const example = "write one like api.example.com, *.example.com, or * for all";
  return refuse("is not a host name", remedy ?? { own: example, example });
});

function hostIn(source: string): string | undefined {
  if (source.includes("/")) return undefined;
  try {
    const host = parsePattern(source).text;
    return /^(\*|(\*\.)?[^*]+)$/.test(host) ? host : undefined;
  } catch {
    return undefined;
  }
}

/** In the one spelling that requests have, without a slash at its end; "" for all paths. */
const path = text((source) => {
  if (!/^[/*]/.test(source))
    refuse("must begin with /; it is a prefix or a glob, not a regular expression");
  if (/[\\^$()[\]{}|?#\s]|\.\*|\.\+/.test(source))
    refuse(
      "looks like a regular expression; write a prefix such as /v1, or a glob such as /v1/*/items",
    );
  try {
    return parsePattern(`any${source.startsWith("/") ? "" : "/"}${source}`).path;
  } catch (error) {
    return refuse(patternFault(error));
  }
});

const originRequest = z.strictObject({
  httpHostHeader: someText.optional(),
  /** milliseconds */
  connectTimeout: timeout.prefault("30s"),
  /** [ext] milliseconds from the complete request to the beginning of the answer */
  responseTimeout: timeout.prefault("100s"),
  /** [ext] milliseconds for which the origin may pause in the middle of an answer */
  bodyTimeout: timeout.prefault("10m"),
  /** HTTP/2 to the origin: agreed on by ALPN over TLS, without TLS by prior knowledge */
  http2Origin: z.boolean().optional(),
  noTLSVerify: z.boolean().optional(),
  originServerName: someText.optional(),
  /** path of a PEM file */
  caPool: someText.optional(),
  /** milliseconds of silence after which TCP itself asks whether the other end is there */
  tcpKeepAlive: timeout.prefault("30s"),
  /** [ext] milliseconds for which a stream service may be silent in both directions; 0: any time */
  idleTimeout: idleLimit.prefault("8h"),
  /** [ext] what a bastion may be asked to reach */
  bastionDestinations: z.array(bastionDestination).optional(),
});

/** A rule as somebody writes it. */
export const ingressRule = z.strictObject({
  hostname: hostname.optional(),
  path: path.optional(),
  service,
  /** [ext] of `http_status:` */
  answer: fixedAnswer.optional(),
  originRequest: originRequest.prefault({}),
});

/** Where a request goes. `hostname` undefined matches all, and so does `path`. */
export interface IngressRule {
  hostname?: string;
  /** prefix on segment boundaries, or a glob with `*` */
  path?: string;
  service: IngressService;
  originRequest: Defined<Omit<z.infer<typeof originRequest>, "bastionDestinations">>;
}

/** How rules reach the files that they name. */
export interface IngressFiles {
  /** @returns the absolute path */
  resolvePath(path: string): string;
  /** Reports a file that holds no certificates of authorities. @param file absolute */
  checkAuthorities(file: string, path: FieldPath, report: Report): void;
}

/** The rules that are right, in their order. */
export function readIngress(
  items: readonly unknown[],
  files: IngressFiles,
  report: Report,
): IngressRule[] {
  // What a rule covers is looked at whatever its other fields say.
  checkCoverage(items.map(coverageOf), report);
  return items.flatMap((item, index) => {
    const reportOfRule = reportBelow(report, [index]);
    const rule = readValue(ingressRule, item, reportOfRule);
    return rule === undefined ? [] : [toRule(rule, files, reportOfRule)];
  });
}

function toRule(
  rule: z.infer<typeof ingressRule>,
  files: IngressFiles,
  report: Report,
): IngressRule {
  const { hostname, path, service, answer, originRequest } = rule;
  const caPool = originRequest.caPool && files.resolvePath(originRequest.caPool);
  if (caPool !== undefined) files.checkAuthorities(caPool, ["originRequest", "caPool"], report);
  const { bastionDestinations: destinations, ...others } = originRequest;
  checkDestinations(service, destinations, report);
  checkAnswer(service, answer, report);
  return defined({
    hostname,
    path: path === "" ? undefined : path,
    service: completeService(service, files, { destinations, answer }),
    originRequest: defined({ ...others, caPool }),
  });
}

/** With what stands elsewhere: the folder of a path, the list of a bastion, an answer. */
function completeService(
  service: IngressService,
  files: IngressFiles,
  {
    destinations = [],
    answer,
  }: {
    destinations: readonly BastionDestination[] | undefined;
    answer: FixedAnswer | undefined;
  },
): IngressService {
  switch (service.kind) {
    case "unix":
      return { ...service, path: files.resolvePath(service.path) };
    case "bastion":
      return { ...service, destinations };
    case "status":
      return defined({ ...service, answer });
    default:
      return service;
  }
}

/** A bastion reaches what its list has, and nothing else has such a list. */
function checkDestinations(
  { kind }: IngressService,
  list: readonly unknown[] | undefined,
  report: Report,
): void {
  const path = ["originRequest", "bastionDestinations"];
  const isEmpty = list === undefined || list.length === 0;
  if (kind === "bastion" && isEmpty)
    report.problem(
      path,
      "lists what a bastion may reach, and without it that is nothing; write it like [10.0.0.0/8:22, db.internal:5432]",
    );
  if (kind !== "bastion" && list !== undefined)
    report.problem(path, "is for service: bastion alone; remove it, or write service: bastion");
}

/** The gateway says nothing beside an origin, and where nobody would read it. */
function checkAnswer(
  service: IngressService,
  answer: FixedAnswer | undefined,
  report: Report,
): void {
  if (answer === undefined) return;
  if (service.kind !== "status")
    report.problem(
      ["answer"],
      "is for http_status: alone; remove it, or write service: http_status:200",
    );
  else if (!mayHaveBody(service.status))
    report.problem(
      ["answer"],
      `cannot stand beside the status ${service.status}; write another one`,
    );
}

/** The requests that a rule takes: hostname and path as one text; undefined when one is wrong. */
function coverageOf(item: unknown): string | undefined {
  if (!isMap(item)) return undefined;
  const host = ingressRule.shape.hostname.safeParse(item["hostname"]);
  const prefix = ingressRule.shape.path.safeParse(item["path"]);
  if (!host.success || !prefix.success) return undefined;
  return `${host.data ?? "*"}${prefix.data ?? ""}`;
}

const everything = "*";

function checkCoverage(coverages: readonly (string | undefined)[], report: Report): void {
  const last = coverages.length - 1;
  const owners = new Map<string, number>();
  for (const [index, coverage] of coverages.entries()) {
    if (coverage === undefined) continue;
    if (index === last) {
      if (coverage !== everything)
        report.problem(
          [index],
          "the last rule must take the rest: add one with only a service, such as {service: http_status:404}",
        );
      continue;
    }
    if (coverage === everything)
      report.problem(
        [index],
        "takes every request, so the rules after it are never reached; move it to the end",
      );
    const owner = owners.get(coverage);
    if (owner !== undefined)
      report.problem(
        [index],
        `has the same hostname and path as ingress[${owner}]; remove one of them`,
      );
    else if (coverage !== everything) owners.set(coverage, index);
  }
}
