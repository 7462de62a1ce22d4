// Lists of email addresses and networks, as rules: who is let in by one of thousands, and what
// somebody hears of a list that cannot be what a rule wants.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../../test/support/properties.ts";
import type { List, Principal } from "../../../src/model/model.ts";
import { contains, parseAddress, parseNetwork } from "../../../src/network.ts";
import { NetworkSet } from "../../../src/network-set.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { ada, application, bob, startAccessFixture } from "../../access/access-fixture.ts";
import { complaints, loadText, withLines } from "../../config/written-file.ts";
import { applicationWith, compilerOf, subjectOf } from "../../policy/subjects.ts";
import { identityOf } from "../../tokens/token-fixture.ts";

const contractors = {
  id: "contractors",
  name: "Contractors",
  type: "EMAIL",
  items: [
    { value: ada.toUpperCase(), description: "until May" },
    ...Array.from({ length: 5_000 }, (_, nth) => ({ value: `person-${nth}@contractor.example` })),
  ],
};
const offices = { id: "offices", name: "Offices", type: "IP", items: [{ value: "192.0.2.0/24" }] };
const byList = {
  name: "listed",
  decision: "allow",
  include: [{ email_list: { id: "contractors" } }],
};
const proxied = { trusted_proxies: ["127.0.0.1"] };
const from = (address: string) => `X-Forwarded-For: ${address}`;

test("a person of a list of thousands is let in, in any case of its letters, and nobody else", async (context) => {
  const access = await startAccessFixture(context, [application("app", [byList])], {
    lists: [contractors],
  });
  await access.passed("/", [`Cf-Access-Token: ${await access.token("app", ada)}`]);
  await access.passed("/", [
    `Cf-Access-Token: ${await access.token("app", "person-4999@contractor.example")}`,
  ]);
  await access.refused(403, "/", [`Cf-Access-Token: ${await access.token("app", bob)}`]);
});

test("an address of a list of networks is let in without a sign-in, and every other is refused", async (context) => {
  const bypass = { name: "offices", decision: "bypass", include: [{ ip_list: { id: "offices" } }] };
  const access = await startAccessFixture(context, [application("app", [bypass])], {
    ...proxied,
    lists: [offices],
  });
  await access.passed("/", [from("192.0.2.77")]);
  await access.refused(403, "/", [from("198.51.100.1")]);
  await access.refused(403, "/", [from("2001:db8::1")]);
});

test("an edit of a list is in force at the next request", async (context) => {
  const sections = { applications: [application("app", [byList])], lists: [contractors] };
  const access = await startAccessFixture(context, sections.applications, sections);
  const token = `Cf-Access-Token: ${await access.token("app", ada)}`;
  await access.passed("/", [token]);
  await access.fixture.change({ ...sections, lists: [{ ...contractors, items: [] }] });
  await access.refused(403, "/", [token]);
});

const heard = (text: string) => complaints(() => loadText(text)).join("\n");

test("a list that is gone, or of the other type, lets nobody in and counts as an exclude", () => {
  const person: Principal = { kind: "person", identity: identityOf(ada) };
  const emails: List = { id: "l", name: "l", type: "EMAIL", items: [{ value: "127.0.0.1" }] };
  const policy = { id: "p", name: "p", decision: "allow" as const, require: [] };
  for (const lists of [[], [emails]])
    for (const rules of [
      { include: [{ ip_list: { id: "l" } }], exclude: [] },
      { include: [{ everyone: {} }], exclude: [{ ip_list: { id: "l" } }] },
    ]) {
      const judged = applicationWith([{ ...policy, ...rules }], compilerOf([], lists));
      assert.equal(evaluate({ application: judged, ...subjectOf(person) }).outcome, "deny");
    }
});

test("what is wrong with a list, or with a rule about one, is said with its place", () => {
  const list = (text: string) => withLines(`lists: [${text}]`);
  assert.match(
    heard(list("{name: l, type: URL}").text),
    /lists\[0\] "l".type: is no type of list here; write EMAIL or IP/,
  );
  assert.match(
    heard(list("{name: l, type: EMAIL, items: [ada@example.com, grace]}").text),
    /lists\[0\] "l".items\[1\].value: "grace" is not one email address/,
  );
  assert.match(
    heard(list("{name: l, type: IP, items: [{value: 192.0.2.300}]}").text),
    /items\[0\].value: "192.0.2.300" is not a network or an address/,
  );
  const named = (rule: string) =>
    withLines(`lists: [{name: l, type: IP, items: [192.0.2.7]}]
applications: [{name: a, domain: a.test, policies: [{name: p, decision: allow, include: [${rule}]}]}]`);
  assert.match(
    heard(named("{email_list: {name: l}}").text),
    /email_list.id: names a list of type IP, and needs one of type EMAIL/,
  );
  assert.match(heard(named("{ip_list: {name: m}}").text), /is not a list of this file/);
  assert.equal(loadText(named("{ip_list: {name: l}}").text).warnings.length, 0);
});

test("a set of networks holds an address when one of them does", () => {
  const byte = fc.integer({ min: 0, max: 3 });
  const ipv4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
  const ipv6 = fc.tuple(byte, byte).map(([a, b]) => `2001:db8:${a}::${b}`);
  const networkText = fc.oneof(
    fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })),
  );
  fc.assert(
    fc.property(fc.array(networkText, { maxLength: 8 }), fc.oneof(ipv4, ipv6), (pairs, text) => {
      const networks = pairs.flatMap(([base, bits]) => {
        const reading = parseNetwork(`${base}/${bits}`);
        return reading.ok ? [reading.network] : [];
      });
      const address = parseAddress(text);
      assert.ok(address !== undefined);
      const one = networks.some((network) => contains(network, address));
      assert.equal(new NetworkSet(networks).has(address), one);
    }),
  );
});
