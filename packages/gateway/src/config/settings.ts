// The part of postern.yaml that says how the process runs: addresses, files, limits. What it
// protects and for whom is in the model.
import { z } from "zod";
import { proxyDialects } from "../model/proxy-dialect.ts";
import { choice, network, retention, someText, timeout, webUrl } from "../model/values.ts";
import { authority, heloName, listenAddress, mailUrl } from "./values.ts";

const port = z.int().min(1).max(65_535);

const requestLog = choice<boolean | "decisions">((value) =>
  value === "decisions" ? z.literal("decisions") : z.boolean(),
);

function isOnlyItem(value: unknown): boolean {
  return value !== undefined && !Array.isArray(value);
}

/** field → its schema */
export const settingsFields = {
  auth_domain: authority,
  relay_hosts: z.array(authority).default([]),
  listen: z.preprocess(
    (value) => (isOnlyItem(value) ? [value] : value),
    z.array(listenAddress).min(1),
  ),
  redirect_http: listenAddress.optional(),
  public_ports: z.array(port).default([]),
  tls: z
    .strictObject({
      certificates: z.array(z.strictObject({ cert_file: someText, key_file: someText })).min(1),
    })
    .optional(),
  /** [ext] */
  http2: z.boolean().default(true),
  /** [ext] */
  http1_transport: z.enum(["postern", "node"]).default("postern"),
  trusted_proxies: z.array(network).default([]),
  /** [ext] decisions for proxies that carry the requests themselves (wire-protocol 12) */
  forward_auth: z
    .strictObject({
      listen: listenAddress,
      proxies: z.array(z.strictObject({ cidr: network, dialect: z.enum(proxyDialects) })).min(1),
    })
    .optional(),
  workers: z.union([z.int().min(1), z.literal("auto")]).default(1),
  store: someText.default("sqlite:./data/postern.db"),
  secret_key_file: someText.default("./data/secret.key"),
  smtp: z
    .strictObject({
      url: mailUrl,
      from: someText,
      helo_name: heloName.optional(),
      starttls: z.enum(["offered", "required"]).default("offered"),
    })
    .optional(),
  /** the admin API, on a listener of its own; absent means none */
  admin: z.strictObject({ listen: listenAddress.prefault("127.0.0.1:8601") }).optional(),
  log: z
    .strictObject({
      level: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
      /** [ext] */
      format: z.enum(["auto", "text", "json"]).default("auto"),
      /** `decisions`: a row of the access log for each, with what it was made of */
      requests: requestLog.default(false),
      /** sign-ins and sign-outs */
      access_log_retention: retention.prefault("180d"),
      /** [ext] rows of requests, which hold what they were decided by */
      decisions_retention: retention.prefault("30d"),
      /** [ext] what administrators changed */
      audit_retention: retention.prefault("548d"),
      export_file: someText.nullish(),
    })
    .prefault({}),
  /** [ext] where traces go, by OTLP over HTTP (JSON) */
  otlp: z
    .strictObject({
      endpoint: webUrl,
      headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), someText).default({}),
      /** the share of requests that are traced, unless a trusted proxy says so */
      sample_ratio: z.number().min(0).max(1).default(1),
    })
    .optional(),
  geoip_file: someText.optional(),
  limits: z
    .strictObject({
      header_bytes: z.int().min(4096).max(1_048_576).default(65_536),
      header_timeout: timeout.prefault("15s"),
      idle_timeout: timeout.prefault("75s"),
      body_timeout: timeout.prefault("60s"),
      /** [ext] requests in progress on one HTTP/2 connection */
      http2_streams: z.int().min(1).max(10_000).default(128),
      /** [ext] for how long known sessions are served while the server of the store is silent */
      store_grace: timeout.prefault("15s"),
      origin_connections: z.int().min(1).max(65_536).default(1024),
      drain_timeout: timeout.prefault("30s"),
      /** [ext] terminals of one network that may begin to sign in within ten minutes */
      terminal_logins: z.int().min(1).max(100_000).default(60),
      removals: z.number().min(0).max(1).optional(),
      /** [ext] sessions that are remembered; absent: as many as fit into an eighth of the heap */
      cached_sessions: z.int().min(1_000).max(10_000_000).optional(),
    })
    .prefault({}),
  key_rotation_interval_days: z.int().min(21).max(365).default(42),
};
