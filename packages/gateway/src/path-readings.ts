// The ways in which origins read a path (ADR 0013). Each reading turns a canonical path into what
// such an origin takes it for. Patterns go through the same reading, so that path and pattern are
// compared as that origin would compare them.

/** One way to read a path: pure text, no state. */
export interface PathReading {
  /** its place among all readings, for caches */
  index: number;
  /** whether it tells `//` from `/` */
  keepsSlashes: boolean;
  foldsCase: boolean;
  /** whether it takes segments for names of files, as Windows does */
  trimsNames: boolean;
  /** What such an origin takes a canonical path, or a pattern's, for. */
  apply(path: string): string;
}

/** What a reading depends on: it changes nothing where these are absent. */
export interface PathTraits {
  hasEscapes: boolean;
  hasParameters: boolean;
  /** what Windows drops at the end of a file's name */
  hasNameEndings: boolean;
}

type Step = (path: string) => string;

/** Steps whose order makes a difference, and without which traits they repeat another order. */
interface StepOrder {
  steps: readonly Step[];
  needs: readonly (keyof PathTraits)[];
}

const stepOrders: readonly StepOrder[] = [
  { steps: [], needs: [] },
  { steps: [withoutParameters], needs: ["hasParameters"] },
  ...[decodeSlashes, decodeAll].flatMap(ordersOf),
];

/** A way to decode, with parameters stripped before it, after it, both or never. */
function ordersOf(decode: Step): StepOrder[] {
  const withParameters = ["hasEscapes", "hasParameters"] as const;
  return [
    { steps: [decode], needs: ["hasEscapes"] },
    { steps: [withoutParameters, decode], needs: withParameters },
    { steps: [decode, withoutParameters], needs: withParameters },
    { steps: [withoutParameters, decode, withoutParameters], needs: withParameters },
  ];
}

/** How runs of slashes count: as they are, as one before dot segments are resolved, or after. */
const resolutions: readonly { resolve: Step; keepsSlashes: boolean }[] = [
  { resolve: resolveSegments, keepsSlashes: true },
  { resolve: resolveMerged, keepsSlashes: false },
  { resolve: (path) => resolveMerged(resolveSegments(path)), keepsSlashes: false },
];

/** How dot segments and the ends of names are dealt with: a file system does both once more. */
const resolutionsWithNames = resolutions.flatMap(({ resolve, keepsSlashes }) => [
  { resolve, keepsSlashes, trimsNames: false },
  { resolve: (path: string) => resolve(trimNames(path)), keepsSlashes, trimsNames: true },
  { resolve: (path: string) => resolve(trimNames(resolve(path))), keepsSlashes, trimsNames: true },
]);

const cases = [false, true];

/** How the text of each step order goes on: slashes and names first, then case. */
const endings = resolutionsWithNames.flatMap((resolution) =>
  cases.map((foldsCase) => ({ ...resolution, foldsCase })),
);

type Ending = (typeof endings)[number];

/** Every combination, in the order of `stepOrders` and, within each, of `endings`. */
const readings: readonly PathReading[] = stepOrders
  .flatMap(({ steps }) => endings.map((ending) => ({ steps, ending })))
  .map(({ steps, ending }, index) => ({
    index,
    keepsSlashes: ending.keepsSlashes,
    foldsCase: ending.foldsCase,
    trimsNames: ending.trimsNames,
    apply: (path) => endWith(ending, takeSteps(steps, path)),
  }));

function takeSteps(steps: readonly Step[], path: string): string {
  return steps.reduce((text, step) => step(text), path);
}

function endWith({ resolve, foldsCase }: Ending, text: string): string {
  const resolved = resolve(text);
  return foldsCase ? foldCase(resolved) : resolved;
}

/** A reading, and what a path is under it. */
export interface ReadPath {
  reading: PathReading;
  text: string;
}

/**
 * A path under every reading that can differ.
 * @param path canonical
 * @param traits those of the path and of what it is compared with
 */
export function* readPath(path: string, traits: PathTraits): Generator<ReadPath> {
  // Most step orders end in one of few texts, and a text of some kilobytes takes its time.
  const textsOf = new Map<string, readonly (string | undefined)[]>();
  for (const [order, { steps, needs }] of stepOrders.entries()) {
    if (!needs.every((trait) => traits[trait])) continue;
    const stepped = takeSteps(steps, path);
    const texts = textsOf.get(stepped) ?? textsUnder(stepped, traits);
    textsOf.set(stepped, texts);
    for (const [place, text] of texts.entries()) {
      const reading = readings[order * endings.length + place];
      if (reading !== undefined && text !== undefined) yield { reading, text };
    }
  }
}

/** The text under each ending; undefined for one that repeats another. */
function textsUnder(stepped: string, { hasNameEndings }: PathTraits): (string | undefined)[] {
  const folded = new Map<string, string>();
  return endings.map((ending) => {
    if (ending.trimsNames && !hasNameEndings) return undefined;
    const resolved = ending.resolve(stepped);
    if (!ending.foldsCase) return resolved;
    const text = folded.get(resolved) ?? foldCase(resolved);
    folded.set(resolved, text);
    return text;
  });
}

/** What of a path, or of a pattern's, can be read in more than one way. */
export function traitsOf(path: string): PathTraits {
  return {
    hasEscapes: path.includes("%"),
    hasParameters: path.includes(";") || path.includes("%3B"),
    hasNameEndings: nameEndings.test(path),
  };
}

/** A dot or a blank that may end a name, a stream of a file, and escapes that may become one. */
const nameEndings = /\.(?:[/:;%]|$)|%20|(?::|%3A)(?:\$|%24)/;

/** Whether a path may have more than one reading, whatever it is compared with. */
export function isUnplain(path: string): boolean {
  return unplain.test(path);
}

/** Whether reading a path takes the longer, the longer it is, in more ways than most others. */
export function hasManyReadings(path: string): boolean {
  return nameEndings.test(path);
}

const unplain = /[A-Z%;]|\.(?:[/:]|$)|:\$/;

/** What programs make of `;parameters` that know them as no part of a segment's name. */
export function withoutParameters(path: string): string {
  return path.includes(";") ? path.replace(/;[^/]*/g, "") : path;
}

/** Encoded slashes and backslashes as slashes. */
export function decodeSlashes(path: string): string {
  return path.includes("%") ? path.replace(/%2F|%5C/g, "/") : path;
}

/** Every escape as its character. @param path canonical, so that its escapes are UTF-8 */
function decodeAll(path: string): string {
  return path.includes("%") ? decodeURIComponent(path).replaceAll("\\", "/") : path;
}

/**
 * Segments as names of files: Windows drops dots and blanks at the end of a name, and the stream
 * in `name::$DATA`.
 */
function trimNames(path: string): string {
  if (!trimmedNames.test(path)) return path;
  return path.split("/").map(trimName).join("/");
}

const trimmedNames = /[. \t\r\n](?:\/|$)|:\$/;

function trimName(segment: string): string {
  if (!trimmedNames.test(segment)) return segment;
  const name = segment.replace(/:[^:]*:\$.*$/s, "").replace(/:\$.*$/s, "");
  const end = endOfName(name, blanks);
  const withoutBlanks = name.slice(0, end);
  if (withoutBlanks === "." || withoutBlanks === "..") return withoutBlanks;
  return name.slice(0, endOfName(name, dotsAndBlanks));
}

const blanks = " \t\r\n";
const dotsAndBlanks = `${blanks}.`;

function endOfName(name: string, dropped: string): number {
  let end = name.length;
  while (end > 0 && dropped.includes(name.charAt(end - 1))) end--;
  return end;
}

/**
 * Characters that differ in case alone as one. Down and up again, because some pairs meet in one
 * direction only: the Kelvin sign and `k`, the long s and `s`.
 */
function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase();
}

/**
 * Removes dot segments (RFC 3986 5.2.4), with runs of slashes taken as one. A path that ends in a
 * dot segment ends in a slash.
 */
export function resolveMerged(path: string): string {
  if (!path.includes("/.") && !path.includes("//")) return path;
  const segments = path.split("/");
  const output: string[] = [];
  for (const segment of segments) {
    if (segment === "..") output.pop();
    else if (segment !== "" && segment !== ".") output.push(segment);
  }
  const endsInSlash = output.length > 0 && endsOpen(segments);
  return `/${output.join("/")}${endsInSlash ? "/" : ""}`;
}

/** Removes dot segments (RFC 3986 5.2.4). An empty segment is one like any other. */
export function resolveSegments(path: string): string {
  if (!path.includes("/.")) return path;
  const segments = path.split("/");
  const output: string[] = [];
  for (const segment of segments.slice(1)) {
    if (segment === "..") output.pop();
    else if (segment !== ".") output.push(segment);
  }
  // A final empty segment is the slash at the end already.
  const endsInDots = segments.at(-1) !== "" && endsOpen(segments);
  return `/${output.join("/")}${endsInDots && output.length > 0 ? "/" : ""}`;
}

function endsOpen(segments: readonly string[]): boolean {
  const last = segments.at(-1);
  return last === "" || last === "." || last === "..";
}
