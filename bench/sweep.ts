// `node bench/sweep.ts`: a store with a million expired rows is swept while others count events in
// it. Prints how long the sweep took, how long its longest call had to wait, and for how long the
// serving thread was blocked at a time.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { openStore } from "../packages/gateway/src/storage/open-store.ts";

const rows = 1_000_000;
const folder = mkdtempSync(join(tmpdir(), "postern-sweep-"));
const file = join(folder, "postern.db");
try {
  const store = await openStore(file, randomBytes);
  fill();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begin = performance.now();
  let isOver = false;
  const sweep = store.sweep(Date.now()).then(() => {
    isOver = true;
  });
  let calls = 0;
  let longestCall = 0;
  while (!isOver) {
    const start = performance.now();
    await store.counters.count("beside", 60_000, Date.now());
    longestCall = Math.max(longestCall, performance.now() - start);
    calls++;
    await wait(1);
  }
  await sweep;
  const duration = performance.now() - begin;
  await store.close();
  console.log(
    `${rows} rows in ${duration.toFixed(0)} ms; of ${calls} calls beside it the longest took ${longestCall.toFixed(1)} ms; the serving thread was blocked for ${(delay.max / 1e6).toFixed(1)} ms at most`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function fill(): void {
  const database = new DatabaseSync(file);
  database.exec(`pragma synchronous = off;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
    insert into counts (key, count, expires_at) select 'relay network ' || i, 1, i from n`);
  database.close();
}
