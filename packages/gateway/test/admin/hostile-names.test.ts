// Names that would be configuration, a template or a line of their own elsewhere (case O10): what
// the API takes is kept to the letter, and what cannot be a host is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOf, startAdminFixture } from "./admin-fixture.ts";

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: names as strangers write them
const names = [
  "`id`",
  "$(id)",
  "${env:HOME}",
  "${file:/etc/passwd}",
  "{{ .Env.HOME }}",
  "%{HOME}e",
  'a"; return 200; #',
  "a' or 1=1 --",
  "<script>alert(1)</script>",
  "*alias &anchor !tag",
  "__proto__",
  "constructor",
];

test("a name that the API takes is kept as it was written, whatever it would be elsewhere (O10)", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const policies = [{ name: "p", decision: "allow", include: [{ everyone: {} }] }];
  for (const [nth, name] of names.entries()) {
    const domain = `h${nth}.localhost`;
    const body = { name, type: "self_hosted", domain, policies };
    const created = resultOf(await api.post("/access/apps", body), 201);
    assert.equal(created.name, name);
    assert.equal(resultOf(await api.get(`/access/apps/${created.id}`)).name, name);
    const group = { name, include: [{ email: { email: "ada@example.com" } }] };
    assert.equal(resultOf(await api.post("/access/groups", group), 201).name, name);
  }
  const kept = gateway.parts.catalogs.current().applications.map(({ name }) => name);
  assert.deepEqual(kept.toSorted(), names.toSorted());
});

test("no host holds a line break, a quote or what would be filled in (O10)", async (context) => {
  const { api, gateway } = await startAdminFixture(context);
  const hosts = [
    "a\nb.localhost",
    'a".localhost',
    "a`.localhost",
    "${env:HOME}.localhost",
    "a b.localhost",
    "a{b}.localhost",
  ];
  for (const domain of hosts) {
    const { status } = await api.post("/access/apps", { name: "x", type: "self_hosted", domain });
    assert.equal(status, 400, domain);
  }
  assert.equal(gateway.parts.catalogs.current().applications.length, 0);
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above
