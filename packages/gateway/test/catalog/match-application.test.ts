// Which application a request belongs to (access-features 3.1), and for which part of the paths
// that holds.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import {
  isApplicationHost,
  matchApplication,
  pathScope,
} from "../../src/catalog/match-application.ts";
import { catalogOf } from "./catalog-of.ts";

type Patterns = Record<string, readonly string[]>;

/** The name of the application that each address belongs to. */
function owners(patterns: Patterns, expected: Record<string, string | undefined>): void {
  const catalog = catalogOf(patterns);
  for (const [address, name] of Object.entries(expected))
    assert.equal(ownerOf(catalog, address), name, address);
}

function ownerOf(catalog: Catalog, address: string): string | undefined {
  const slash = address.indexOf("/");
  return matchApplication(catalog, address.slice(0, slash), address.slice(slash))?.application.name;
}

test("an application without a path has its host and everything under it, and no other host", () => {
  const everything = {
    "a.test/": "app",
    "a.test/x": "app",
    "a.test/x/y/": "app",
    "a.test//": "app",
  };
  for (const written of ["a.test", "a.test/", "a.test/*", "A.Test", "a.test."]) {
    owners(
      { app: [written] },
      {
        ...everything,
        "b.a.test/": undefined,
        "xa.test/": undefined,
        "test/": undefined,
        "a.test.evil/": undefined,
      },
    );
  }
});

test("a wildcard stands for exactly one label: not for the apex, not for two", () => {
  owners(
    { app: ["*.example.com"] },
    {
      "a.example.com/": "app",
      "xn--e1a.example.com/x": "app",
      "example.com/": undefined,
      "a.b.example.com/": undefined,
      ".example.com/": undefined,
      "a.example.com.evil/": undefined,
      "aXexample.com/": undefined,
    },
  );
});

test("several wildcards cover deeper levels, each its own", () => {
  owners(
    { two: ["*.*.example.com"], middle: ["api.*.example.org"] },
    {
      "a.b.example.com/": "two",
      "b.example.com/": undefined,
      "a.b.c.example.com/": undefined,
      "api.eu.example.org/": "middle",
      "api.a.b.example.org/": undefined,
      "web.eu.example.org/": undefined,
    },
  );
});

test("a wildcard in a part of a label stays in that label, and may stand for nothing", () => {
  owners(
    { end: ["*test.example.com"], start: ["dev-*.example.org"], middle: ["a*z.example.net"] },
    {
      "test.example.com/": "end",
      "alphatest.example.com/": "end",
      "alpha.test.example.com/": undefined,
      "testing.example.com/": undefined,
      "dev-1.example.org/": "start",
      "dev.example.org/": undefined,
      "dev-1.x.example.org/": undefined,
      "az.example.net/": "middle",
      "abcz.example.net/": "middle",
      "a.z.example.net/": undefined,
    },
  );
});

test("a path covers what lies below it, on segment boundaries: /eng is not /engine", () => {
  for (const written of ["h.test/eng", "h.test/eng/"]) {
    owners(
      { eng: [written] },
      {
        "h.test/eng": "eng",
        "h.test/eng/": "eng",
        "h.test/eng/x": "eng",
        "h.test/engine": undefined,
        "h.test/en": undefined,
        "h.test/": undefined,
        "h.test/x/eng": undefined,
        "h.test/ENG": undefined,
        "other.test/eng": undefined,
      },
    );
  }
});

test("/alpha/* has the children alone, and not /alpha itself", () => {
  owners(
    { children: ["h.test/alpha/*"] },
    {
      "h.test/alpha/b": "children",
      "h.test/alpha/b/c": "children",
      "h.test/alpha": undefined,
      "h.test/alphabet": undefined,
    },
  );
  owners(
    { children: ["h.test/alpha/*"], host: ["h.test"] },
    { "h.test/alpha": "host", "h.test/alpha/b": "children" },
  );
});

test("a wildcard in the middle of a path crosses slashes", () => {
  owners(
    { app: ["h.test/foo*/bar"], each: ["h.test/v1/*/items"], two: ["h.test/x*/y*/z"] },
    {
      "h.test/foo/bar": "app",
      "h.test/food/bar": "app",
      "h.test/food/stuff/bar": "app",
      "h.test/foo/bar/baz": "app",
      "h.test/foo/barn": undefined,
      "h.test/foo/barn/bar": "app",
      "h.test/foobar": undefined,
      "h.test/v1/7/items": "each",
      "h.test/v1/7/8/items/9": "each",
      "h.test/v1/items": undefined,
      "h.test/x/y/z": "two",
      "h.test/x1/y2/z": "two",
      "h.test/x/z/y": undefined,
      "h.test/x/z/y/y/z": "two",
    },
  );
});

test("the most specific pattern has the request, and nothing is inherited from the wider one", () => {
  owners(
    {
      host: ["h.test"],
      eng: ["h.test/eng"],
      exec: ["h.test/eng/exec"],
      other: ["h.test/eng/exec/*/x"],
    },
    {
      "h.test/": "host",
      "h.test/engine": "host",
      "h.test/eng": "eng",
      "h.test/eng/executive": "eng",
      "h.test/eng/exec": "exec",
      "h.test/eng/exec/a": "exec",
      "h.test/eng/exec/a/x": "other",
    },
  );
  owners(
    {
      all: ["*.h.test"],
      some: ["*-dev.h.test"],
      one: ["web-dev.h.test/admin"],
      wide: ["*.h.test/admin"],
    },
    {
      "a.h.test/": "all",
      "a.h.test/admin": "wide",
      "a-dev.h.test/": "some",
      "web-dev.h.test/": "some",
      "web-dev.h.test/admin": "one",
    },
  );
});

test("in which order applications are written changes nothing", () => {
  const written: [string, string[]][] = [
    ["host", ["h.test"]],
    ["eng", ["h.test/eng"]],
    ["exec", ["h.test/eng/exec"]],
    ["glob", ["h.test/eng*/x"]],
    ["wild", ["*.test"]],
  ];
  const address = fc
    .array(fc.constantFrom("/eng", "/exec", "/x", "ine", "/"), { maxLength: 4 })
    .map((parts) => `h.test/${parts.join("")}`);
  const first = catalogOf(Object.fromEntries(written));
  fc.assert(
    fc.property(
      fc.shuffledSubarray(written, { minLength: written.length }),
      address,
      (shuffled, asked) => {
        assert.equal(
          ownerOf(catalogOf(Object.fromEntries(shuffled)), asked),
          ownerOf(first, asked),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("several patterns are one application", () => {
  owners(
    { app: ["a.test", "b.test/x", "*.c.test"], rest: ["b.test"] },
    { "a.test/": "app", "b.test/x/y": "app", "b.test/": "rest", "z.c.test/": "app" },
  );
});

test("a path is found in whatever spelling it was written: requests have one", () => {
  const catalog = catalogOf({
    host: ["h.test"],
    cafe: ["h.test/café"],
    lower: ["h.test/%c3%a4"],
    plain: ["h.test/%7Euser"],
  });
  assert.equal(ownerOf(catalog, "h.test/caf%C3%A9/x"), "cafe");
  assert.equal(ownerOf(catalog, "h.test/%C3%A4"), "lower");
  assert.equal(ownerOf(catalog, "h.test/~user"), "plain");
});

test("a host belongs to applications whether or not the path does", () => {
  const catalog = catalogOf({ app: ["h.test/only/here"], wild: ["*.w.test/x"] });
  for (const host of ["h.test", "a.w.test"]) assert.ok(isApplicationHost(catalog, host), host);
  for (const host of ["w.test", "x.h.test", "", "__proto__"])
    assert.ok(!isApplicationHost(catalog, host), host);
  assert.equal(matchApplication(catalog, "h.test", "/"), undefined);
});

test("the scope of a path is the widest part under which everything is this application", () => {
  const catalog = catalogOf({
    host: ["h.test"],
    eng: ["h.test/eng", "h.test/eng/own"],
    exec: ["h.test/eng/exec/board"],
    whole: ["w.test"],
    glob: ["g.test"],
    inGlob: ["g.test/a*/x"],
  });
  const scopes: [host: string, path: string, scope: string | undefined][] = [
    ["w.test", "/", "/"],
    ["w.test", "/a/b/c", "/"],
    ["h.test", "/", undefined],
    ["h.test", "/engine", "/engine"],
    ["h.test", "/v1/users/7", "/v1"],
    ["h.test", "/eng/a/b", "/eng/a"],
    ["h.test", "/eng/own/x", "/eng/own"],
    ["h.test", "/eng", undefined],
    ["h.test", "/eng/exec/team/x", "/eng/exec/team"],
    ["h.test", "/eng/exec/board/x", "/eng/exec/board"],
    ["h.test", "/eng/exec/board", "/eng/exec/board"],
    ["g.test", "/b/c", "/b"],
    ["g.test", "/a/c", undefined],
    ["g.test", "/a/x", undefined],
    ["unknown.test", "/", undefined],
  ];
  for (const [host, path, scope] of scopes)
    assert.equal(pathScope(catalog, host, path), scope, host + path);
});

test("where nothing else lies below a pattern, all its paths have one scope, so that one answer is signed for all", () => {
  const catalog = catalogOf({ host: ["h.test"], eng: ["h.test/eng"], deep: ["h.test/a/b"] });
  for (const path of ["/eng", "/eng/", "/eng/x", "/eng/y/z"])
    assert.equal(pathScope(catalog, "h.test", path), "/eng", path);
  for (const path of ["/a/b", "/a/b/", "/a/b/c"])
    assert.equal(pathScope(catalog, "h.test", path), "/a/b", path);
});

test("whatever the patterns, every path under a scope belongs to the application that was asked about", () => {
  const segment = fc.constantFrom("a", "ab", "b", "a*", "*", "*b");
  const pattern = fc
    .array(segment, { maxLength: 3 })
    .map((parts) => ["h.test", ...parts].join("/"));
  const plain = fc.array(fc.constantFrom("a", "ab", "b", "c", "abc"), { maxLength: 3 });
  const path = fc
    .tuple(plain, fc.constantFrom("", "/"))
    .map(([parts, end]) => (parts.length === 0 ? "/" : `/${parts.join("/")}${end}`));
  fc.assert(
    fc.property(
      fc.uniqueArray(pattern, {
        minLength: 1,
        maxLength: 5,
        selector: (each) => each.replace(/\/\*$/, ""),
      }),
      path,
      plain,
      (all, asked, more) => {
        const applications = Object.groupBy(all, (each) => `app${all.indexOf(each) % 3}`);
        const catalog = catalogOf(applications as Record<string, string[]>);
        const scope = pathScope(catalog, "h.test", asked);
        if (scope === undefined) return;
        const below = scope === "/" ? "/" : `${scope}/`;
        assert.ok(
          asked === scope || asked.startsWith(below),
          `${asked} is not under its scope ${scope}`,
        );
        const owner = ownerOf(catalog, `h.test${asked}`);
        for (const each of [scope, below, below + more.join("/"), `${below}${more.join("/")}/`])
          assert.equal(ownerOf(catalog, `h.test${each}`), owner, each);
      },
    ),
    { numRuns: 300 },
  );
});
