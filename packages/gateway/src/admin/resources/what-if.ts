// [ext] What a change of the configuration would do, without doing it: who would gain access and
// who would lose it, and which recorded decisions would have been others. The change is what PATCH
// /configuration takes.
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseDuration } from "@postern/protocol";
import { z } from "zod";
import { ComparisonTooLong, compareInThread } from "../../analysis/compare-access-thread.ts";
import { Replay } from "../../analysis/replay.ts";
import { replayData } from "../../analysis/replay-data.ts";
import type { ChangeProposal, ChangeRequest } from "../../apply/changes.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { CatalogBuilder } from "../../catalog/catalog-builder.ts";
import { stateOf } from "../../catalog/in-force.ts";
import { keyOfObject, type Records } from "../../catalog/records.ts";
import { runInSlices, type Steps } from "../../catalog/steps.ts";
import { keyOf } from "../../config/config-objects.ts";
import { defined } from "../../defined.ts";
import type { StoredAccessEvent } from "../../storage/access-log.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { answerOf, longestBody, propose, toRead } from "./configuration.ts";
import { pointerTo } from "./judge-object.ts";

const path = "/access/decisions";

const change = z.strictObject({
  put: z
    .array(
      z.strictObject({
        kind: z.string(),
        id: z.string(),
        fields: z.record(z.string(), z.unknown()),
      }),
    )
    .default([]),
  remove: z.array(z.strictObject({ kind: z.string(), id: z.string() })).default([]),
});

const replayBody = change.extend({
  /** how far back: `7d` */
  since: z.string().default("24h"),
});

const longestReplay = 30 * 24 * 60 * 60_000;
/** Rows that are replayed for one answer, which takes some seconds. */
const mostRows = 200_000;
const rowsPerTurn = 500;

/** The routes. */
export function whatIfRoutes(parts: AdminParts): Route[] {
  const whatIf = new WhatIf(parts);
  return [
    {
      ...{ method: "POST", path: `${path}/diff`, ...toRead, body: change, longestBody },
      summary: "[ext] Say who would gain access by a change, and who would lose it",
      handle: (call) => whatIf.diff(call),
    },
    {
      ...{ method: "POST", path: `${path}/replay`, ...toRead, body: replayBody, longestBody },
      alsoNeeds: [...toRead.alsoNeeds, "audit_logs:read"],
      summary: "[ext] Say which recorded decisions a change would have made others",
      handle: (call) => whatIf.replay(call),
    },
  ];
}

type Accepted = Extract<ChangeProposal, { ok: true }>;

class WhatIf {
  readonly #parts: AdminParts;
  /** one question at a time: each needs as much memory as what is in force */
  #isBusy = false;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  diff(call: Call): Promise<Answer> {
    return this.#answer(call, change, async (_asked, proposal, records) => {
      const { catalogs, now } = this.#parts;
      const { content } = stateOf(records, catalogs.frame());
      try {
        const { put, remove } = proposal;
        return succeed(await compareInThread(content, { put, remove }, now()));
      } catch (error) {
        if (error instanceof ComparisonTooLong) return fail("too_large");
        throw error;
      }
    });
  }

  replay(call: Call): Promise<Answer> {
    return this.#answer(call, replayBody, async ({ since }, proposal, records) => {
      const reach = durationOf(since);
      if (reach === undefined)
        return fail("invalid", "since is no time up to 30d; write one like 7d or 12h.", "/since");
      const catalog = await this.#catalogWith(proposal, records);
      return succeed(await this.#replayRows(catalog, this.#parts.now() - reach));
    });
  }

  /** @param answer is told what is asked, and what would become of the objects in force */
  async #answer<Body extends z.infer<typeof change>>(
    { body: sent, token }: Call,
    schema: z.ZodType<Body>,
    answer: (asked: Body, proposal: Accepted, records: Records) => Promise<Answer>,
  ): Promise<Answer> {
    if (token.applications !== null) return fail("not_permitted");
    const reading = schema.safeParse(sent ?? {});
    if (!reading.success) {
      const at = (reading.error.issues[0]?.path ?? []).map(String);
      return fail("bad_request", "The body is no list of changes.", pointerTo(at));
    }
    if (this.#isBusy) return fail("too_busy");
    this.#isBusy = true;
    try {
      const records = this.#parts.catalogs.records();
      const request = requestOf(reading.data, records);
      const proposal = await propose(request, records, this.#parts);
      if (!proposal.ok) return answerOf(proposal, request);
      return await answer(reading.data, proposal, records);
    } finally {
      this.#isBusy = false;
    }
  }

  #catalogWith({ put, remove }: Accepted, records: Records): Promise<Catalog> {
    const changed = new Map(records);
    for (const { kind, id } of remove) changed.delete(keyOf(kind, id));
    for (const record of put) changed.set(keyOfObject(record), record);
    const { content } = stateOf(changed, this.#parts.catalogs.frame());
    return runInSlices(new CatalogBuilder().build(content));
  }

  async #replayRows(catalog: Catalog, since: number): Promise<object> {
    const replay = new Replay(catalog);
    let count = 0;
    for (let after: string | undefined; ; ) {
      const rows = await this.#parts.store.accessLog.list({
        ...{ since, direction: "asc", filters: [], limit: rowsPerTurn },
        ...defined({ after }),
      });
      await runInSlices(addAll(replay, rows));
      count += rows.length;
      const last = rows.at(-1);
      const isWhole = last === undefined || rows.length < rowsPerTurn;
      if (isWhole || count >= mostRows)
        return {
          ...replayData(replay.result),
          complete: isWhole,
          until: last === undefined ? null : new Date(last.created_at).toISOString(),
        };
      after = last.id;
      await nextTurn();
    }
  }
}

function* addAll(replay: Replay, rows: readonly StoredAccessEvent[]): Steps<void> {
  for (const row of rows) {
    replay.add(row);
    yield;
  }
}

/** Objects are changed as they are: nobody has to say as which they know them. */
function requestOf({ put, remove }: z.infer<typeof change>, records: Records): ChangeRequest {
  const known = ({ kind, id }: { kind: string; id: string }) => {
    const record = records.get(keyOf(kind as never, id));
    return record === undefined ? null : new Date(record.updatedAt).toISOString();
  };
  return {
    put: put.map((wanted) => ({ ...wanted, before: known(wanted) })),
    remove: remove.map((unwanted) => ({ ...unwanted, before: known(unwanted) ?? "" })),
  };
}

/** Milliseconds; undefined: none that may be asked for. */
function durationOf(text: string): number | undefined {
  try {
    const duration = parseDuration(text);
    return duration > 0 && duration <= longestReplay ? duration : undefined;
  } catch {
    return undefined;
  }
}
