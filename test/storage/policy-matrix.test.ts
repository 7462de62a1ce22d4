// The policy matrix out of every store: what was stored decides as what was written, for everybody
// who may ask.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  createCatalogSource,
  readCatalog,
} from "../../packages/gateway/src/catalog/catalog-source.ts";
import { loadConfig } from "../../packages/gateway/src/config/load-config.ts";
import type { PolicyAction, Rule } from "../../packages/gateway/src/model/model.ts";
import { evaluate } from "../../packages/gateway/src/policy/evaluate.ts";
import { createSecretBox } from "../../packages/gateway/src/secrets/secret-box.ts";
import { groups, lists, selectors, subjects } from "../../packages/gateway/test/policy/matrix.ts";
import { applicationWith, compilerOf } from "../../packages/gateway/test/policy/subjects.ts";
import { backends } from "./backends.ts";

const places = ["include", "require", "exclude"] as const;
const decisions: readonly PolicyAction[] = ["allow", "deny", "bypass", "non_identity"];
const everyone: Rule = { everyone: {} };

/** Rules that a file may have: no object that they name is gone or of another type. */
const rules = selectors
  .map(({ rule }) => rule)
  .filter((rule) => !/"(?:gone|loop)"|email_list":\{"id":"offices/.test(JSON.stringify(rule)));

const policies = rules.flatMap((rule, nth) =>
  decisions.flatMap((decision) =>
    places.map((place) => ({
      id: `${nth}-${decision}-${place}`,
      name: `${nth} ${decision} ${place}`,
      decision,
      include: [everyone],
      require: [],
      exclude: [],
      [place]: [rule],
    })),
  ),
);

const text = JSON.stringify({
  auth_domain: "login.localhost:8600",
  listen: "127.0.0.1:8600",
  ingress: [{ service: "http_status:404" }],
  identity_providers: [
    { id: "corp", name: "C", type: "oidc", config: { client_id: "c", issuer: "https://idp.test" } },
  ],
  service_tokens: [{ id: "t1", name: "T", client_id: "t1.access", client_secret: "secret" }],
  lists,
  groups: groups.filter(({ id }) => id !== "loop"),
  policies,
  applications: [
    ...policies.map(({ id }) => ({
      id: `app-${id}`,
      name: id,
      domain: `a${id.replaceAll("_", "")}.test`,
      policies: [id],
    })),
    { id: "portal", name: "Portal", domain: "portal.test" },
  ],
});

for (const { name, skip, make } of backends.filter((each) => each.shared))
  test(`the policy matrix decides from ${name} as it was written`, {
    skip: skip ?? false,
  }, async (context) => {
    const { config } = loadConfig({ text, file: "postern.yaml", environment: {} });
    const open = make(context);
    const secretBox = createSecretBox(randomBytes(32), randomBytes);
    const deps = { secretBox, config, now: Date.now, randomBytes };
    await createCatalogSource({ ...deps, store: await open() });
    const stored = (await readCatalog({ ...deps, store: await open() })).current();

    const compiler = compilerOf(groups, lists);
    for (const policy of policies) {
      const application = stored.applications.find(({ id }) => id === `app-${policy.id}`);
      assert.ok(application !== undefined);
      const written = applicationWith([policy], compiler);
      for (const subject of subjects)
        assert.equal(
          evaluate({ application, ...subject }).outcome,
          evaluate({ application: written, ...subject }).outcome,
          JSON.stringify([policy, subject]),
        );
    }
  });
