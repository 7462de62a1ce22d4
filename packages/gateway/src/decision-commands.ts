// What administrators ask of decisions at the command line: why one is as it is, what a change of
// the file would do, and what it would have done to what was recorded.
import { parseDuration } from "@postern/protocol";
import { printable, printableJson } from "@postern/protocol/printable";
import { type AskedFacts, readQuestion } from "./analysis/asked-facts.ts";
import { namesIn } from "./analysis/catalog-names.ts";
import { compareAccess } from "./analysis/compare-access.ts";
import { comparisonData } from "./analysis/comparison-data.ts";
import { comparisonLines } from "./analysis/comparison-text.ts";
import { explainRecorded, rowsOfRay } from "./analysis/explain-recorded.ts";
import { explanationData } from "./analysis/explanation-data.ts";
import { explanationLines } from "./analysis/explanation-text.ts";
import { FileCatalogs } from "./analysis/file-catalogs.ts";
import { type CatalogSurroundings, warningsOf } from "./analysis/policy-warnings.ts";
import { Replay, type ReplayResult } from "./analysis/replay.ts";
import { replayData } from "./analysis/replay-data.ts";
import { recordedRule, replayLines, rowText } from "./analysis/replay-text.ts";
import { wrapped } from "./analysis/wrapped.ts";
import type { Catalog, CatalogSource } from "./catalog/catalog.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/load-config.ts";
import { defined } from "./defined.ts";
import { type Explanation, explain } from "./policy/explain.ts";
import type { ObjectNames } from "./policy/object-names.ts";
import type { StoredAccessEvent, StoredDecision } from "./storage/access-log.ts";
import type { Store } from "./storage/store.ts";
import { UsageError } from "./usage-error.ts";

/** What the commands work with. */
export interface DecisionTools {
  /** @throws {ConfigError} */
  readConfig(file: string): Config;
  /** Opens the store that a file names for as long as it is used. */
  withStore<Result>(
    file: string,
    use: (parts: { store: Store; catalogs: CatalogSource }) => Promise<Result>,
  ): Promise<Result>;
  now: Clock;
}

/** The commands; each returns what is to be printed. */
export class DecisionCommands {
  readonly #tools: DecisionTools;

  constructor(tools: DecisionTools) {
    this.#tools = tools;
  }

  /**
   * `postern access explain URL --config FILE`: what policy decides about somebody, and why.
   * @throws {ConfigError} when the file is wrong
   * @throws {UsageError} when the URL is of no application
   */
  readonly explainAccess = async (options: {
    config: string;
    asked: AskedFacts;
    isJson: boolean;
    /** asks what the store has, and not the file */
    isInForce: boolean;
  }): Promise<string> => {
    const { config: file, asked, isJson, isInForce } = options;
    const { readConfig, withStore } = this.#tools;
    const config = readConfig(file);
    const surroundings = {
      hasMail: config.smtp !== undefined,
      knowsCountries: config.geoip_file !== undefined,
    };
    const explainBy = (catalog: Catalog) => explainAsked(catalog, asked, surroundings, isJson);
    if (!isInForce) return explainBy(new FileCatalogs().build(config));
    return withStore(file, async ({ catalogs }) => explainBy(catalogs.current()));
  };

  /**
   * `postern access explain --ray ID --config FILE`: a decision that was recorded.
   * @throws {UsageError} when nothing was recorded under this ID
   */
  readonly explainRay = (options: {
    config: string;
    ray: string;
    isJson: boolean;
  }): Promise<string> =>
    this.#tools.withStore(options.config, ({ store, catalogs }) =>
      explainRays(store.accessLog, catalogs.current(), options.ray, options.isJson),
    );

  /**
   * `postern diff --access --config FILE`: who gains and who loses, against what is in force.
   * @throws {ConfigError} when a file is wrong
   */
  readonly diffAccess = async (options: {
    config: string;
    /** the file to compare with, in place of what is in force */
    from?: string;
    isJson: boolean;
  }): Promise<string> => {
    const { config: file, from, isJson } = options;
    const { readConfig, withStore, now } = this.#tools;
    const catalogs = new FileCatalogs();
    if (from !== undefined) {
      const before = catalogs.build(readConfig(from));
      const after = catalogs.build(readConfig(file));
      return compareSides({ before, after }, now(), isJson);
    }
    const after = catalogs.build(readConfig(file));
    return withStore(file, async (parts) =>
      compareSides({ before: parts.catalogs.current(), after }, now(), isJson),
    );
  };

  /**
   * `postern replay --config FILE`: what policies would answer to what was recorded.
   * @throws {ConfigError} when a file is wrong
   * @throws {UsageError} when `since` is no time, or too long ago
   */
  readonly replayAccess = async (options: {
    config: string;
    /** the file whose policies are asked */
    policies: string;
    /** how far back: `7d` */
    since: string;
    isJson: boolean;
  }): Promise<string> => {
    const { readConfig, withStore, now } = this.#tools;
    const since = now() - replayDuration(options.since);
    const catalog = new FileCatalogs().build(readConfig(options.policies));
    return withStore(options.config, async ({ store }) =>
      replayText(await replayRows(store.accessLog, catalog, since), catalog, options.isJson),
    );
  };
}

function explainAsked(
  catalog: Catalog,
  asked: AskedFacts,
  surroundings: CatalogSurroundings,
  isJson: boolean,
): string {
  const { application, facts, about } = readQuestion(catalog, asked);
  const { policies } = application;
  const explanation = explain(policies, facts);
  const warnings = warningsOf(policies, catalog, surroundings);
  const names = namesIn(catalog);
  if (!isJson) return text(explanationLines(about, explanation, names, warnings));
  const { id, name } = application;
  return json({
    application: { id, name },
    facts,
    ...explanationData(explanation, names, warnings),
  });
}

/**
 * Explains a recorded decision by the policies of now.
 * @throws {UsageError} when nothing was recorded under this ID
 */
async function explainRays(
  accessLog: Pick<Store["accessLog"], "list">,
  catalog: Catalog,
  ray: string,
  isJson: boolean,
): Promise<string> {
  const rows = await accessLog.list(rowsOfRay(ray));
  if (rows.length === 0)
    throw new UsageError(
      `nothing was recorded under ${JSON.stringify(ray)}; sign-ins always are, requests where log.requests is decisions`,
    );
  const explained = rows.map((row) => ({ row, ...explainRecorded(catalog, row) }));
  const names = namesIn(catalog);
  if (isJson)
    return json(
      explained.map(({ row, explanation }) => ({
        recorded: row,
        now: explanation && explanationData(explanation, names),
      })),
    );
  return text(explained.flatMap(({ row, explanation }) => recordedLines(row, names, explanation)));
}

function recordedLines(
  row: StoredAccessEvent,
  names: ObjectNames,
  explanation: Explanation | undefined,
): string[] {
  const by = row.policy_name === null ? "" : ` by "${row.policy_name}"`;
  const rule = row.rule === null ? "" : `, ${recordedRule(row.rule, names)}`;
  const why = row.reason === null ? "" : ` (${row.reason})`;
  const recorded = wrapped(`Recorded ${rowText(row, names)}: ${row.outcome}${by}${rule}${why}`, 2);
  if (explanation === undefined) return [...recorded, "Nothing else is known of it."];
  return [...recorded, ...explanationLines("With the policies of now", explanation, names)];
}

interface Sides {
  before: Catalog;
  after: Catalog;
}

/** @param now milliseconds since the epoch */
function compareSides({ before, after }: Sides, now: number, isJson: boolean): string {
  const comparison = compareAccess(before, after, now);
  const names = namesIn(before, after);
  const idsIn = ({ applications }: Catalog) => new Set(applications.map(({ id }) => id));
  const words = { names, before: idsIn(before), after: idsIn(after) };
  if (!isJson) return text(comparisonLines(comparison, words));
  return json(comparisonData(comparison, names));
}

const longestReplay = parseDuration("720h");

/** How far back to look, milliseconds. @throws {UsageError} */
function replayDuration(since: string): number {
  const duration = durationOf(since);
  if (duration === undefined || duration <= 0 || duration > longestReplay)
    throw new UsageError(`${JSON.stringify(since)} is no time up to 30d; write one like 7d or 12h`);
  return duration;
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

/** Rows that are read at once. */
const rowsPerPage = 4_000;

/** Replays what was recorded since a time, milliseconds since the epoch, against a catalog. */
async function replayRows(
  accessLog: Pick<Store["accessLog"], "decisions">,
  catalog: Catalog,
  since: number,
): Promise<ReplayResult> {
  const replay = new Replay(catalog);
  const pageAfter = (after: string | undefined) =>
    accessLog.decisions({ since, limit: rowsPerPage, ...defined({ after }) });
  for (let page: Promise<StoredDecision[]> | undefined = pageAfter(undefined); page; ) {
    const rows: StoredDecision[] = await page;
    // The store reads on while these are judged.
    page = rows.length < rowsPerPage ? undefined : pageAfter(rows.at(-1)?.id);
    for (const row of rows) replay.add(row);
  }
  return replay.result;
}

/** What a replay found, for people or programs. */
function replayText(result: ReplayResult, catalog: Catalog, isJson: boolean): string {
  if (!isJson) return text(replayLines(result, namesIn(catalog)));
  return json(replayData(result));
}

function text(lines: readonly string[]): string {
  return `${lines.map(printable).join("\n")}\n`;
}

function json(value: unknown): string {
  return `${printableJson(value, 2)}\n`;
}
