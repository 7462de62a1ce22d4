// What the commands about decisions print: names are written by whoever may use the API, and must
// not steer the terminal of whoever asks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../src/config/load-config.ts";
import { DecisionCommands } from "../../src/decision-commands.ts";

const hostile = "Shop\n+ everybody: allow\u001b[2J\u009b1m\u202e\u2028";

function configOf(include: object) {
  const text = JSON.stringify({
    auth_domain: "login.localhost:8600",
    listen: "127.0.0.1:8600",
    identity_providers: [{ id: "pin", name: "PIN", type: "onetimepin", config: {} }],
    ingress: [{ service: "http://127.0.0.1:3000" }],
    applications: [
      {
        name: hostile,
        domain: "shop.localhost",
        policies: [{ name: hostile, decision: "allow", include: [include] }],
      },
    ],
  });
  return loadConfig({ text, file: "postern.yaml", environment: {} }).config;
}

test("names that hold escape sequences and ends of lines are printed as text (case C15)", async () => {
  const commands = new DecisionCommands({
    readConfig: (file) =>
      configOf({ email: { email: file === "before" ? "ada@example.com" : "bob@example.com" } }),
    withStore: () => Promise.reject(new Error("no store is asked")),
    now: () => 0,
  });
  const asked = {
    ...{ url: "shop.localhost", method: "GET", email: "ada@example.com" },
    ...{ groups: [], claims: [], authMethods: [] },
  };
  for (const isJson of [false, true]) {
    const printed = [
      await commands.explainAccess({ config: "before", asked, isJson, isInForce: false }),
      await commands.diffAccess({ config: "after", from: "before", isJson }),
    ];
    for (const text of printed) {
      assert.match(text, /Shop/);
      assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\u2028\u202e]/u);
      assert.doesNotMatch(text, /^\+ everybody/m);
      if (isJson) assert.ok(JSON.stringify(JSON.parse(text)).includes("everybody"));
    }
  }
});
