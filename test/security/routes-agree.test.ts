// Policy and routing are never of two minds (case P9): whatever a URL looks like, the application
// that the log names is the one whose origin was reached. Applications overlap in host and path,
// and each has an origin of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RayIds } from "../../packages/gateway/src/access/ray-ids.ts";
import { readRequest } from "../../packages/gateway/src/access/read-request.ts";
import { chooseService, serviceText } from "../../packages/gateway/src/catalog/choose-service.ts";
import { application, open } from "../../packages/gateway/test/access/access-fixture.ts";
import { catalogOf } from "../../packages/gateway/test/catalog/catalog-of.ts";
import fc from "../support/properties.ts";
import { leaveOut } from "../support/requirements.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { waysIn } from "../support/ways-in.ts";

/** In the order of routing, the longest first; policy has no order. */
const domains = [
  "two.localhost/a/b/c",
  "two.localhost/a/*/x",
  "two.localhost/a/b",
  "two.localhost/a",
  "two.localhost/%3F",
  "two.localhost",
  "deep.two.localhost/a",
  "*.two.localhost",
];

const applications = domains.map((domain) => ({
  ...application("app", [open]),
  name: domain,
  domain,
}));

/** Where each application's requests go. @param services in the order of `domains` */
function ingressTo(services: readonly string[]): Record<string, unknown>[] {
  const rules = domains.map((domain, index) => {
    const [hostname, ...path] = domain.split("/");
    return { hostname, path: `/${path.join("/")}`, service: services[index] };
  });
  return [...rules, { service: "http_status:404" }];
}

const hosts = fc.constantFrom(
  "two.localhost",
  "TWO.localhost.",
  "deep.two.localhost",
  "other.two.localhost",
);

const pieces = fc.constantFrom(
  ...["/a", "/b", "/c", "/x", "/%3F", "/A", "/%61", "/%62", "/a%2Fb", "/a%5Cb"],
  ...["/", "//", "/.", "/..", "/%2e%2e", "/..;", "/;", ";v=1", "%00", "%25", "%252e", "\\"],
  ...["/caf%C3%A9", "/%E4", "?", "?a=1&a=2", "&a[]=%2F", "?x=/a/b", "%3Fa=1", "+", "=", "@", ":80"],
);

const plainHead = {
  method: "GET",
  version: "1.1",
  upgrade: undefined,
  peer: "127.0.0.1",
} as const;

const urls = fc.record({
  host: hosts,
  target: fc.array(pieces, { minLength: 1, maxLength: 7 }).map((parts) => `/${parts.join("")}`),
});

test("P9 of a hundred thousand URLs none is decided on as one application and routed as another", () => {
  const catalog = catalogOf(
    Object.fromEntries(domains.map((domain) => [domain, [domain]])),
    ingressTo(domains.map((_, index) => `http://127.0.0.1:${index + 1}`)),
  );
  const rules = {
    scheme: "http",
    allowedPorts: new Set<number>(),
    trustedProxies: [],
    isOurs: () => false,
    rayIds: new RayIds((size) => Buffer.alloc(size)),
  } as const;
  let passed = 0;
  const agrees = ({ host, target }: { host: string; target: string }) => {
    const reading = readRequest(
      rules,
      { ...plainHead, target, rawHeaders: ["Host", host] },
      catalog,
    );
    if (!reading.ok) return;
    const { facts } = reading;
    const rule = chooseService(catalog.ingress, facts.host, facts.path);
    const decided = domains.indexOf(facts.match?.application.name ?? "");
    assert.ok(rule !== undefined && decided >= 0, `${host}${target}`);
    assert.equal(serviceText(rule.service), `http://127.0.0.1:${decided + 1}`, `${host}${target}`);
    passed++;
  };
  fc.assert(fc.property(urls, agrees), { numRuns: 100_000 });
  assert.ok(passed > 20_000, `${passed} had one meaning`);
});

const tries = 1_000;
const atOnce = 16;

for (const way of waysIn)
  test(
    `P9 the log names the application whose origin was reached, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      const origins = await Promise.all(domains.map(() => startUpstream()));
      context.after(() => Promise.all(origins.map((each) => each.close())));
      const door = await way.open({
        applications,
        ingress: ingressTo(origins.map(({ origin }) => origin)),
        identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin", config: {} }],
        log: { requests: true },
      });
      context.after(() => door.close());

      const asked = fc.sample(urls, tries);
      const answers: (number | undefined)[] = [];
      for (let start = 0; start < tries; start += atOnce) {
        const batch = asked.slice(start, start + atOnce).map((each) => door.ask(each));
        answers.push(...(await Promise.all(batch)).map(({ status }) => status));
      }

      const decided = new Map<string, string>();
      for (const event of door.gateway.events)
        if (event.event === "request_passed") decided.set(event.ray, event.application);
      let reached = 0;
      origins.forEach((origin, index) => {
        for (const { ray, url } of seenBy(origin)) {
          assert.equal(decided.get(ray), domains[index], url);
          reached++;
        }
      });
      assert.equal(reached, answers.filter((status) => status === 200).length);
      assert.ok(reached > tries / 10, `${reached} reached an origin`);
    },
  );

function seenBy({ requests, malformed }: Upstream): { ray: string; url: string }[] {
  assert.deepEqual(malformed, []);
  return requests.map(({ url, header }) => ({ url, ray: header("cf-ray") ?? "" }));
}
