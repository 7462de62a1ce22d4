import assert from "node:assert/strict";
import { test } from "node:test";
import { bindingOf, presentedBinding, terminalBinding } from "../../src/http/browser-binding.ts";

test("a browser over https holds both nonces, each once, and a sibling host can give it neither", () => {
  const binding = bindingOf({ appSession: "a", browser: "b" });
  const own = "__Host-postern_browser=b";
  assert.equal(presentedBinding([`CF_AppSession=a; ${own}`], true), binding);
  assert.equal(presentedBinding([`CF_AppSession=a; CF_AppSession=a; ${own}`], true), binding);
  for (const cookie of [
    "",
    "CF_AppSession=a",
    own,
    "CF_AppSession=a; postern_browser=b",
    "CF_AppSession=a; \u00a0__Host-postern_browser=b",
    "CF_AppSession=a; __host-postern_browser=b",
    `CF_AppSession=a; CF_AppSession=planted; ${own}`,
    `CF_AppSession=planted; ${own}`,
    `CF_AppSession=a; ${own}; __Host-postern_browser=planted`,
  ])
    assert.notEqual(presentedBinding([cookie], true), binding, cookie);
});

test("a terminal keeps the part of a binding that it can", () => {
  const binding = bindingOf({ appSession: "a", browser: "b" });
  assert.equal(presentedBinding(["CF_AppSession=a"], false), terminalBinding(binding));
  const overHttp = bindingOf({ appSession: "a", browser: undefined });
  assert.equal(terminalBinding(overHttp), overHttp);
});
