// Where a request goes: the first ingress rule that covers host and path, as in cloudflared. A
// `path` is a prefix on segment boundaries or a glob with `*`; never a regular expression of the
// user's, since it runs on each request.
import { pathGlob } from "@postern/protocol";
import type { IngressRule } from "../model/model.ts";

type PathTest = (path: string) => boolean;

const pathTests = new WeakMap<IngressRule, PathTest>();

export function chooseService(
  ingress: readonly IngressRule[],
  host: string,
  path: string,
): IngressRule | undefined {
  for (const rule of ingress)
    if (coversHost(rule.hostname, host) && coversPath(rule, path)) return rule;
  return undefined;
}

function coversHost(hostname: string | undefined, host: string): boolean {
  if (hostname === undefined || hostname === "*" || hostname === host) return true;
  return (
    hostname.startsWith("*.") &&
    host.length > hostname.length - 1 &&
    host.endsWith(hostname.slice(1))
  );
}

function coversPath(rule: IngressRule, path: string): boolean {
  if (rule.path === undefined) return true;
  let test = pathTests.get(rule);
  if (test === undefined) {
    test = pathTest(rule.path);
    pathTests.set(rule, test);
  }
  return test(path);
}

function pathTest(written: string): PathTest {
  const pattern = written.startsWith("/") ? written : `/${written}`;
  return pathGlob(pattern.endsWith("/") ? pattern.slice(0, -1) : pattern);
}
