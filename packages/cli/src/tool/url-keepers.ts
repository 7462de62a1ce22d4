// Tools that keep the URL that they are given, in the name of a file or inside one. A pass that
// stands in the URL would stay there, so it must not be in it.
import { realpathSync } from "node:fs";
import { basename } from "node:path";

/** What a tool wants instead of a pass in its URL. */
export type UrlKeeper =
  /** GNU wget: the token in a cookie file, named right behind the word at `index` */
  | { kind: "cookies"; index: number }
  /** @property fault for the person, with what to do instead */
  | { kind: "refused"; fault: string };

interface KeptUrl {
  /** an option with which the tool does not keep the URL */
  unless?: RegExp;
  where: string;
  remedy: string;
}

const inFileName = "names its file after the URL, so the pass would be in the name";
const inRepository = "keeps the URL in the repository, so the pass would stay there";
const environmentRemedy = "use --via env, and give it $ACCESS_HEADER";

/** `-O FILE` and `--output-document FILE`, also behind letters that take no value. */
const outputDocument = /^(?:-[^-aABDeiIloPQRtTUwX]*O|--output-d)/;

/**
 * Options of wget, as short as it takes them, and settings behind its `-e`, that leave our cookie
 * out or write it to a file.
 */
const ownCookies =
  /^--(?:loa|save-c|no-coo)|^(?:-e|--exe[cute]*=?)?\s*(?:load_?|save_?)?cookies\s*=/i;

const keepers: Record<string, KeptUrl> = {
  wget: { unless: outputDocument, where: inFileName, remedy: "name the file with -O FILE" },
  wget2: { unless: outputDocument, where: inFileName, remedy: "name the file with -O FILE" },
  fetch: { unless: /^-[^-]*o/, where: inFileName, remedy: "name the file with -o FILE" },
  lftp: { where: inFileName, remedy: environmentRemedy },
  snarf: { where: inFileName, remedy: environmentRemedy },
  git: { where: inRepository, remedy: environmentRemedy },
  hg: { where: inRepository, remedy: environmentRemedy },
  svn: { where: inRepository, remedy: environmentRemedy },
};

/**
 * Whether the tool keeps its URL. It may stand behind words that run another one (`env`,
 * `timeout 5`), so every word before the URL counts.
 * @param words the command and its arguments
 * @param firstUrl the index among them of the first URL that would get a pass
 * @param pathOf finds a program by its name
 */
export function urlKeeper(
  words: readonly string[],
  firstUrl: number,
  pathOf: (name: string) => string | undefined,
): UrlKeeper | undefined {
  const index = words
    .slice(0, firstUrl)
    .findIndex((word) => Object.hasOwn(keepers, toolName(word)));
  const word = words[index] ?? "";
  const keeper = keepers[toolName(word)];
  if (keeper === undefined) return undefined;
  const { unless, where, remedy } = keeper;
  const options = words.slice(index + 1);
  if (unless !== undefined && options.some((option) => unless.test(option))) return undefined;
  const takesCookies =
    toolName(word) === "wget" &&
    !isBusybox(words[index - 1] ?? "", pathOf(word)) &&
    !options.some((option) => ownCookies.test(option));
  if (takesCookies) return { kind: "cookies", index };
  return { kind: "refused", fault: `${toolName(word)} ${where}; ${remedy}` };
}

/** Tools that write the URL down and ask it again after the run. */
const rememberUrl: ReadonlySet<string> = new Set(["hg", "svn"]);

/**
 * What a tool does with a URL that leads to a proxy of this run: git can be told of it apart from
 * the URL, some would write it down, and to all others it is a URL like any other.
 * @param words the command and its arguments
 * @param firstUrl the index among them of the first URL behind Access
 */
export function proxiedTool(
  words: readonly string[],
  firstUrl: number,
): "any" | "git" | "keeps-url" {
  const names = words.slice(0, firstUrl).map(toolName);
  if (names.includes("git")) return "git";
  return names.some((name) => rememberUrl.has(name)) ? "keeps-url" : "any";
}

function toolName(word: string): string {
  return basename(word).replace(/\.exe$/i, "");
}

/** Busybox has a wget of its own, which knows no cookies. */
function isBusybox(wordBefore: string, path: string | undefined): boolean {
  if (toolName(wordBefore) === "busybox") return true;
  return path !== undefined && path !== "" && toolName(realpathSync(path)) === "busybox";
}
