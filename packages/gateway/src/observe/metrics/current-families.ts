// What nobody counts along the way, and is read when somebody asks: how much is open, waits, or was
// remembered, and what the process takes.
import type { CacheReading } from "../../bounded-cache.ts";
import { currentFamily, currentNumber, type FamilySnapshot, leastOf } from "./registry.ts";

/** How a process stands. */
export interface CurrentReadings {
  openStreams: number;
  /** rows of the access log */
  rows: { waiting: number; lost: number; leftOut: number };
  /** undefined where nothing is traced */
  spans: { waiting: number; sent: number; lost: number } | undefined;
  /** by the name of the cache */
  caches: Readonly<Record<string, CacheReading>>;
  isStoreReached: boolean;
  /** the number of the last change that was read; undefined where changes have none */
  lastChange: number | undefined;
}

export function currentFamilies(readings: CurrentReadings): FamilySnapshot[] {
  return [
    ...workFamilies(readings),
    ...(readings.spans === undefined ? [] : spanFamilies(readings.spans)),
    ...storeFamilies(readings),
    ...processFamilies(),
  ];
}

function workFamilies({ caches, openStreams, rows }: CurrentReadings): FamilySnapshot[] {
  const used = Object.entries(caches).flatMap(([cache, { hits, misses }]) => [
    { labels: [cache, "hit"], value: hits },
    { labels: [cache, "miss"], value: misses },
  ]);
  return [
    currentFamily(
      "counter",
      {
        name: "postern_cache_total",
        help: "What was remembered, and what had to be made or read, by cache.",
        labels: ["cache", "result"],
      },
      used,
    ),
    currentNumber(
      "gauge",
      {
        name: "postern_open_streams",
        help: "WebSockets, event streams and the like that are open.",
      },
      openStreams,
    ),
    currentNumber(
      "gauge",
      { name: "postern_access_log_waiting", help: "Rows that wait for the store." },
      rows.waiting,
    ),
    currentFamily(
      "counter",
      {
        name: "postern_access_log_rows_lost_total",
        help: "Rows that are missing in the access log: for want of room, or beyond what strangers may cause.",
        labels: ["reason"],
      },
      [
        { labels: ["full"], value: rows.lost },
        { labels: ["strangers"], value: rows.leftOut },
      ],
    ),
  ];
}

function spanFamilies(spans: NonNullable<CurrentReadings["spans"]>): FamilySnapshot[] {
  return [
    currentNumber(
      "gauge",
      { name: "postern_trace_spans_waiting", help: "Spans that wait for the collector." },
      spans.waiting,
    ),
    currentFamily(
      "counter",
      {
        name: "postern_trace_spans_total",
        help: "Spans of traces, by whether the collector took them.",
        labels: ["result"],
      },
      [
        { labels: ["sent"], value: spans.sent },
        { labels: ["lost"], value: spans.lost },
      ],
    ),
  ];
}

function storeFamilies({ isStoreReached, lastChange }: CurrentReadings): FamilySnapshot[] {
  const unreachable = currentNumber(
    "gauge",
    {
      name: "postern_store_unreachable",
      help: "Processes that do not reach the server of the store.",
    },
    isStoreReached ? 0 : 1,
  );
  if (lastChange === undefined) return [unreachable];
  const change = currentNumber(
    "gauge",
    {
      name: "postern_store_change",
      help: "The number of the last change of the store that every process has read.",
    },
    lastChange,
  );
  return [unreachable, leastOf(change)];
}

function processFamilies(): FamilySnapshot[] {
  const { user, system } = process.cpuUsage();
  const start = currentNumber(
    "gauge",
    {
      name: "process_start_time_seconds",
      help: "When the first process began, seconds since the epoch.",
    },
    performance.timeOrigin / 1_000,
  );
  return [
    currentNumber(
      "gauge",
      { name: "postern_processes", help: "Processes of the gateway, the keeper included." },
      1,
    ),
    leastOf(start),
    currentNumber(
      "counter",
      { name: "process_cpu_seconds_total", help: "CPU time of all processes, in seconds." },
      (user + system) / 1e6,
    ),
    currentNumber(
      "gauge",
      {
        name: "process_resident_memory_bytes",
        help: "Resident memory of all processes, in bytes.",
      },
      process.memoryUsage.rss(),
    ),
  ];
}
