// The connections to origins: one pool for each service as configured. A connection serves one
// request at a time, is used again only when both sides were done with each other, and is never
// handed out with bytes left on it.
import { readFileSync } from "node:fs";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { loopbackAddress } from "@postern/protocol";
import type { IngressRule } from "../model/model.ts";
import { type Dial, OriginConnection } from "./origin-connection.ts";

const keptConnections = 256;
const keptForMs = 30_000;
/**
 * Servers keep idle connections for five seconds at the least; what must not meet a closing one
 * takes a younger.
 */
const surelyOpenMs = 2_000;
const sweepInterval = 5_000;

export interface OriginPool {
  /**
   * An idle connection, or a new one.
   * @param repeatable false where a request must not fail on a connection that the origin is just
   * closing
   */
  take(repeatable: boolean): OriginConnection;
  /** gives a connection back */
  keep(connection: OriginConnection): void;
}

export interface OriginPools {
  poolFor(rule: IngressRule): OriginPool;
  /** ends every idle connection */
  close(): void;
}

interface Pool extends OriginPool {
  sweep(now: number): void;
  close(): void;
}

export function createOriginPools(): OriginPools {
  const pools = new Map<string, Pool>();
  // A rule lives as long as its configuration; one that an edit did not touch finds its connections
  // again.
  const poolOfRule = new WeakMap<IngressRule, Pool>();
  const timer = setInterval(() => {
    for (const pool of pools.values()) pool.sweep(performance.now());
  }, sweepInterval);
  timer.unref();
  return {
    poolFor(rule) {
      const known = poolOfRule.get(rule);
      if (known !== undefined) return known;
      const key = JSON.stringify([rule.service, rule.originRequest]);
      const pool = pools.get(key) ?? createPool(rule);
      pools.set(key, pool);
      poolOfRule.set(rule, pool);
      return pool;
    },
    close() {
      clearInterval(timer);
      for (const pool of pools.values()) pool.close();
    },
  };
}

function createPool({ service, originRequest }: IngressRule): Pool {
  const dial = dialer(service, originRequest);
  // The youngest last: it is taken first, so that a quiet pool shrinks by itself.
  const idle: OriginConnection[] = [];
  let open = true;
  const drop = (connection: OriginConnection) => {
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
  };
  return {
    take(repeatable) {
      for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
        const age = performance.now() - connection.idleSince;
        if (
          connection.usable &&
          age < (repeatable ? connection.keptForMs : Math.min(surelyOpenMs, connection.keptForMs))
        )
          return connection;
        connection.destroy();
      }
      return new OriginConnection(dial, {
        connectTimeout: originRequest.connectTimeout,
        keptForMs,
        onUnusable: drop,
      });
    },
    keep(connection) {
      if (!open || !connection.usable || idle.length >= keptConnections) connection.destroy();
      else idle.push(connection);
    },
    sweep(now) {
      while (idle[0] !== undefined && now - idle[0].idleSince >= idle[0].keptForMs)
        idle.shift()?.destroy();
    },
    close() {
      open = false;
      for (const connection of idle.splice(0)) connection.destroy();
    },
  };
}

/** How to reach a service; certificates are read once, here. */
function dialer(service: IngressRule["service"], options: IngressRule["originRequest"]): Dial {
  if (service.kind === "status") throw new Error("a fixed status has no origin");
  const place = service.kind === "unix" ? { path: service.path } : tcpPlace(service.origin);
  if (service.kind === "unix" ? !service.tls : service.origin.startsWith("http:")) {
    return (onread) => connectTcp({ ...place, noDelay: true, keepAlive: true, onread });
  }
  const name =
    options.originServerName ??
    (service.kind === "unix" ? "localhost" : new URL(service.origin).hostname);
  const ca = options.caPool === undefined ? undefined : readFileSync(options.caPool);
  const tls = {
    ...place,
    ...(isIP(name.replace(/^\[|\]$/g, "")) === 0 ? { servername: name } : {}),
    ...(ca === undefined ? {} : { ca }),
    rejectUnauthorized: options.noTLSVerify !== true,
    ALPNProtocols: ["http/1.1"],
  };
  return (onread) => {
    const socket = connectTls(tls).setNoDelay(true).setKeepAlive(true);
    socket.on("data", (chunk: Buffer) => onread.callback(chunk.length, chunk));
    return socket;
  };
}

function tcpPlace(origin: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    host: loopbackAddress(host) ?? host,
    port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
  };
}
