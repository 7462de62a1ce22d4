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
  /** What such an origin takes a canonical path, or a pattern's, for. */
  apply(path: string): string;
}

/** What a reading depends on: it changes nothing where these are absent. */
export interface PathTraits {
  hasEscapes: boolean;
  hasParameters: boolean;
}

type Step = (path: string) => string;

/** Steps whose order makes a difference. */
interface StepOrder extends PathTraits {
  steps: readonly Step[];
}

const stepOrders: readonly StepOrder[] = [
  { steps: [], hasEscapes: false, hasParameters: false },
  { steps: [withoutParameters], hasEscapes: false, hasParameters: true },
  ...[decodeSlashes, decodeAll].flatMap((decode) => [
    { steps: [decode], hasEscapes: true, hasParameters: false },
    { steps: [withoutParameters, decode], hasEscapes: true, hasParameters: true },
    { steps: [decode, withoutParameters], hasEscapes: true, hasParameters: true },
    {
      steps: [withoutParameters, decode, withoutParameters],
      hasEscapes: true,
      hasParameters: true,
    },
  ]),
];

/** How runs of slashes count: as they are, as one before dot segments are resolved, or after. */
const resolutions: readonly { resolve: Step; keepsSlashes: boolean }[] = [
  { resolve: resolveSegments, keepsSlashes: true },
  { resolve: resolveMerged, keepsSlashes: false },
  { resolve: (path) => resolveMerged(resolveSegments(path)), keepsSlashes: false },
];

const cases = [false, true];

/** How the text of each step order goes on: slashes first, then case. */
const endings = resolutions.flatMap((resolution) =>
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
  const textsOf = new Map<string, readonly string[]>();
  for (const [order, { steps, hasEscapes, hasParameters }] of stepOrders.entries()) {
    // Without its traits an order repeats another one.
    if (hasEscapes && !traits.hasEscapes) continue;
    if (hasParameters && !traits.hasParameters) continue;

    const stepped = takeSteps(steps, path);
    const texts = textsOf.get(stepped) ?? endings.map((ending) => endWith(ending, stepped));
    textsOf.set(stepped, texts);
    for (const [place, text] of texts.entries()) {
      const reading = readings[order * endings.length + place];
      if (reading !== undefined) yield { reading, text };
    }
  }
}

/** What of a path, or of a pattern's, can be read in more than one way. */
export function traitsOf(path: string): PathTraits {
  const hasEscapes = path.includes("%");
  return { hasEscapes, hasParameters: path.includes(";") || path.includes("%3B") };
}

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
