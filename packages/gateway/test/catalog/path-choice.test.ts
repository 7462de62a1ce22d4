// Whatever an origin makes of a path, it finds the application that the gateway decided on, or the
// request is refused (ADR 0013, cases P3 to P8). The origins here read paths with code of their
// own: nothing of the gateway's readings is used to judge them.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { matchApplication } from "../../src/catalog/match-application.ts";
import { choosePath, isPlainRequest, type PathChoice } from "../../src/catalog/path-choice.ts";
import { canonicalize, withItsSlashes } from "../../src/http/canonical-path.ts";
import { catalogOf } from "./catalog-of.ts";

/** What the gateway makes of a request target; undefined when it refuses. */
function choose(catalog: Catalog, raw: string): PathChoice | undefined {
  const canonical = canonicalize(raw);
  if (canonical === undefined) return undefined;
  const { path } = canonical;
  const forms = { path, withItsSlashes: withItsSlashes(raw, path) };
  if (!isPlainRequest(catalog, "h.test", forms)) return choosePath(catalog, "h.test", forms);
  return { path, match: matchApplication(catalog, "h.test", path) };
}

/** How one kind of origin reads a path. */
interface Origin {
  decodes: "nothing" | "slashes" | "everything";
  strips: "never" | "first" | "last" | "twice";
  slashes: "kept" | "merged first" | "merged last";
  /** whether segments are names of files to it, as on Windows */
  names: "kept" | "trimmed" | "resolved and trimmed";
  forgetsCase: boolean;
}

function readAs(origin: Origin, path: string): string {
  const strip = (text: string) =>
    text
      .split("/")
      .map((each) => each.split(";")[0])
      .join("/");
  let text = path;
  if (origin.strips === "first" || origin.strips === "twice") text = strip(text);
  if (origin.decodes === "slashes") text = text.replaceAll("%2F", "/").replaceAll("%5C", "/");
  if (origin.decodes === "everything") text = decodeEscapes(text);
  if (origin.strips === "last" || origin.strips === "twice") text = strip(text);
  if (origin.names === "resolved and trimmed") {
    if (origin.slashes === "merged first") text = text.replace(/\/+/g, "/");
    text = withoutDots(text);
    if (origin.slashes === "merged last") text = text.replace(/\/+/g, "/");
  }
  if (origin.names !== "kept") text = asFileNames(text);
  if (origin.slashes === "merged first") text = text.replace(/\/+/g, "/");
  text = withoutDots(text);
  if (origin.slashes === "merged last") text = text.replace(/\/+/g, "/");
  return origin.forgetsCase ? text.toLowerCase().toUpperCase() : text;
}

function decodeEscapes(text: string): string {
  const bytes = [...text].flatMap((character) => [...Buffer.from(character)]);
  const decoded: number[] = [];
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    const pair = String.fromCharCode(bytes[index + 1] ?? 0, bytes[index + 2] ?? 0);
    const isEscape = byte === 0x25 && /^[0-9a-f]{2}$/i.test(pair);
    decoded.push(isEscape ? Number.parseInt(pair, 16) : byte);
    if (isEscape) index += 2;
  }
  return Buffer.from(decoded).toString().replaceAll("\\", "/");
}

/** What Windows opens: no stream, no dots and blanks at an end, and nothing after a NUL. */
function asFileNames(text: string): string {
  return text
    .replace(/\0.*$/s, "")
    .replace(/(?::[^/:]*)?:\$[^/]*/g, "")
    .replace(/(^|\/)(\.\.?)[ \t\r\n]+(?=\/|$)/g, "$1$2")
    .split("/")
    .map((name) => (name === "." || name === ".." ? name : name.replace(/[. \t\r\n]+$/, "")))
    .join("/");
}

/** RFC 3986 5.2.4, by its own steps. */
function withoutDots(path: string): string {
  let input = path;
  let output = "";
  while (input !== "") {
    if (input.startsWith("/./")) input = input.slice(2);
    else if (input === "/.") input = "/";
    else if (input.startsWith("/../") || input === "/..") {
      input = `/${input.slice(4)}`;
      output = output.slice(0, Math.max(0, output.lastIndexOf("/")));
    } else {
      const end = input.indexOf("/", 1);
      output += end < 0 ? input : input.slice(0, end);
      input = end < 0 ? "" : input.slice(end);
    }
  }
  return output === "" ? "/" : output;
}

/** Whose path it is to the origin: that of the first pattern that covers it, read alike. */
function ownerTo(origin: Origin, catalog: Catalog, path: string): string | undefined {
  const asked = readAs(origin, path);
  return catalog.patterns.find(({ pattern }) => {
    const star = "\uE000";
    const text = readAs(origin, pattern.path.replaceAll("*", star) || "/").replace(/\/+$/, "");
    const pieces = text.split(star).map((piece) => piece.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    const isOpen = text.endsWith(`/${star}`);
    return new RegExp(`^${pieces.join(".*")}${isOpen ? "" : "(?:/.*)?"}$`, "su").test(asked);
  })?.application.name;
}

const origin: fc.Arbitrary<Origin> = fc.record({
  decodes: fc.constantFrom("nothing", "slashes", "everything"),
  strips: fc.constantFrom("never", "first", "last", "twice"),
  slashes: fc.constantFrom("kept", "merged first", "merged last"),
  names: fc.constantFrom("kept", "trimmed", "resolved and trimmed"),
  forgetsCase: fc.boolean(),
});

const patternSegment = fc.constantFrom(
  ...["admin", "Admin", "public", "a%40b", "a@b", "x;y", "x%3By", "caf%C3%A9", "CAF%C3%89"],
  ...["s%2Ft", "s%5Ct", "k", "*", "a*", "*n", "%2A", "%20", "t"],
  ...["admin.", "b.c", "x%2540y", "a..", "k%20", "v1:run"],
);
const patterns = fc
  .array(fc.array(patternSegment, { maxLength: 3 }), { minLength: 1, maxLength: 5 })
  .map((all) => all.map((segments) => ["h.test", ...segments].join("/")));

const pathPiece = fc.constantFrom(
  ...["/admin", "/ADMIN", "/Admin", "/%61dmin", "/public", "/PUBLIC", "/a%40b", "/a@b", "/A@B"],
  ...["/x;y", "/x%3By", "/x", "/X;Y", ";y", ";", "/;", "%3b", "/caf%C3%A9", "/CAF%c3%89"],
  ...["/s%2Ft", "/s/t", "/S%5CT", "%2F", "%2f..", "%5C", "/..", "/%2e%2E", "/..;", "/.", "/"],
  ...["//", "/k", "/K", "/%E2%84%AA", "/*", "/%2A", "/%20", "/t", "/an", "/abn", "%252F", "~"],
  ...[".", "..", "%20", "/.%20", "/..%20", "::$DATA", ":$I30:$INDEX_ALLOCATION", "/...", "%2500"],
  ...[
    "/%2561dmin",
    "%252e",
    "/%252e%252e",
    "%2520",
    "%255C",
    "%253Ay",
    "%253By",
    "%2524",
    ":",
    "%3A",
  ],
);
const target = fc
  .array(pathPiece, { minLength: 1, maxLength: 6 })
  .map((pieces) => pieces.join(""))
  .map((text) => (text.startsWith("/") ? text : `/${text}`));

/** Every reading at once: patterns that meet here are spellings of one another to some origin. */
const coarsest: Origin = {
  decodes: "everything",
  strips: "twice",
  slashes: "merged first",
  names: "trimmed",
  forgetsCase: true,
};

function applicationsOf(all: readonly string[]): Record<string, string[]> {
  const distinct = new Map(all.map((each) => [readAs(coarsest, each).replace(/[/*]+$/, ""), each]));
  const applications: Record<string, string[]> = {};
  for (const [index, each] of [...distinct.values()].entries()) {
    const name = `app${index % 3}`;
    applications[name] = [...(applications[name] ?? []), each];
  }
  return applications;
}

test("whatever the applications, the path and the origin: what is forwarded is what was decided on", () => {
  let forwarded = 0;
  fc.assert(
    fc.property(patterns, target, fc.array(origin, { minLength: 6 }), (all, raw, origins) => {
      let catalog: Catalog;
      try {
        catalog = catalogOf(applicationsOf(all));
      } catch {
        return;
      }
      const choice = choose(catalog, raw);
      if (choice === undefined) return;
      forwarded += 1;
      for (const each of origins)
        assert.equal(
          ownerTo(each, catalog, choice.path),
          choice.match?.application.name,
          `${JSON.stringify(all)} ${raw} → ${choice.path} ${JSON.stringify(each)}`,
        );
    }),
    { numRuns: 3_000 },
  );
  assert.ok(forwarded > 800, `${forwarded} of 3000 were forwarded`);
});

/** Whether the origin takes the path for one that a public path of its application covers. */
function isPublicTo(origin: Origin, publicPaths: readonly string[], path: string): boolean {
  const asked = readAs(origin, path);
  const star = "\uE000";
  return publicPaths.some((each) => {
    const pieces = readAs(origin, each.replaceAll("*", star)).split(star);
    const escaped = pieces.map((piece) => piece.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
    return new RegExp(`^${escaped.join(".*")}$`, "su").test(asked);
  });
}

test("whatever the public paths, the path and the origin: what is forwarded as public is public to it", () => {
  const publicPaths = fc
    .array(fc.array(patternSegment, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
    .map((all) => all.map((segments) => `/${segments.join("/")}`));
  // A path that fits one of them, with anything for a wildcard.
  const fitting = fc.record({
    tail: fc.array(pathPiece, { maxLength: 4 }).map((pieces) => pieces.join("")),
    end: fc.constantFrom("", "", "/", "/x", ".", ";x"),
  });
  let forwarded = 0;
  fc.assert(
    fc.property(publicPaths, fitting, fc.array(origin, { minLength: 6 }), (all, fit, origins) => {
      const [first = "/"] = all;
      const raw = first.replace("*", fit.tail) + fit.end;
      const paths = all.filter((each) => each !== "/*");
      let catalog: Catalog;
      try {
        catalog = catalogOf({ app: ["h.test"], closed: ["h.test/admin"] }, undefined, paths);
      } catch {
        return;
      }
      const choice = choose(catalog, raw);
      if (choice?.match?.application.publicPath === undefined) return;
      forwarded += 1;
      for (const each of origins) {
        const what: string = `${JSON.stringify(paths)} ${raw} → ${choice.path} ${JSON.stringify(each)}`;
        assert.ok(isPublicTo(each, paths, choice.path), what);
        assert.equal(ownerTo(each, catalog, choice.path), "app", what);
      }
    }),
    { numRuns: 2_000 },
  );
  assert.ok(forwarded > 200, `${forwarded} of 2000 were public`);
});

test("a plain path is never refused where no pattern has two spellings", () => {
  const name = fc.constantFrom("admin", "public", "a@b", "x", "b.c", "~user", "k");
  const plainPatterns = fc
    .array(fc.array(name, { maxLength: 3 }), { minLength: 1, maxLength: 5 })
    .map((all) => [...new Set(all.map((segments) => ["h.test", ...segments].join("/")))]);
  const plainPath = fc.array(name, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
  fc.assert(
    fc.property(plainPatterns, plainPath, (all, path) => {
      const catalog = catalogOf(applicationsOf(all));
      assert.deepEqual(choose(catalog, path), {
        path,
        match: matchApplication(catalog, "h.test", path),
      });
    }),
    { numRuns: 300 },
  );
});

test("two spellings in two applications are two paths to their origin", () => {
  const catalog = catalogOf({
    lower: ["h.test/a", "h.test/p@q", "h.test/x%3By"],
    upper: ["h.test/A", "h.test/p%40q", "h.test/x;y"],
    deep: ["h.test/a/secret"],
  });
  const owners: Record<string, string | undefined> = {
    "/a/x": "lower",
    "/A/x": "upper",
    "/p@q": "lower",
    "/p%40q": "upper",
    "/x%3By": "lower",
    "/A/secret": undefined,
    "/A/Secret": undefined,
    "/a/SECRET": undefined,
  };
  for (const [path, owner] of Object.entries(owners))
    assert.equal(choose(catalog, path)?.match?.application.name, owner, path);
});

test("a path that Windows takes for another application's is refused", () => {
  const catalog = catalogOf({ open: ["h.test"], closed: ["h.test/admin", "h.test/v1/b.c"] });
  const refused = [
    ...["/admin.", "/admin%20", "/admin...", "/admin.%20./x", "/admin::$DATA", "/admin:s:$DATA"],
    ...["/admin:$I30:$INDEX_ALLOCATION", "/admin%3A%3A$DATA/x", "/ADMIN.", "/x/..%20/admin"],
    ...["/v1./b.c", "/v1/b.c."],
    ...["/admin%00", "/admin%00.png", "/admin\\x"],
  ];
  for (const path of refused) assert.equal(choose(catalog, path), undefined, path);
});

test("dots, blanks and escaped escapes are no trouble where they lead to one application", () => {
  const catalog = catalogOf({ open: ["h.test"], closed: ["h.test/admin"] });
  const owners: Record<string, string> = {
    "/file.": "open",
    "/a%2520b": "open",
    "/what%3F.": "open",
    "/wait...": "open",
    "/v1/users:batch": "open",
    "/admin:batch": "open",
    "/price:$5": "open",
    "/a/x%252Fy": "open",
    "/public/%252e%252e/admin": "open",
    "/%2561dmin": "open",
    "/admin%252e": "open",
    "/admin/file.": "closed",
    "/admin/100%25": "closed",
    "/admin/a%20/b": "closed",
  };
  for (const [path, owner] of Object.entries(owners)) {
    const choice = choose(catalog, path);
    assert.equal(choice?.match?.application.name, owner, path);
    assert.equal(choice?.path, path);
  }
});
