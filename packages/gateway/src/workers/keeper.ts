// The process that was started, where several serve: it opens the store, puts the file into force,
// keeps house, counts what strangers cause, and answers no request. Workers serve, and one that
// dies is replaced. Should the keeper itself die, the workers end by themselves.

import { compose, type Parts } from "../compose.ts";
import type { Config } from "../config/load-config.ts";
import type { Settings } from "../config/read-settings.ts";
import { followOthers } from "../follow-others.ts";
import { closeParts, familiesOf, type Gateway, serveAdmin } from "../gateway.ts";
import { keepHouse, rotateWhenOld } from "../housekeeping.ts";
import type { Listener } from "../http/listeners.ts";
import { defaultRelaySettings } from "../login/terminal/relay-settings.ts";
import type { Log } from "../observe/log.ts";
import { servedApplications } from "../served-applications.ts";
import { answerTo } from "./kept-limits.ts";
import type { Introduction, ToKeeper } from "./messages.ts";
import { WorkerCounts } from "./worker-counts.ts";
import { WorkerPool } from "./worker-pool.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** For how long a changed configuration waits for its last worker before it is told as applied. */
const appliedWithinMs = 10_000;

/**
 * Starts a gateway of several processes, and resolves when all accept connections.
 * @param workers two or more
 * @throws {Error} as `startGateway` does
 */
export async function startKeeper(config: Config, workers: number, log: Log): Promise<Gateway> {
  const parts = await compose({ config, record: log.record });
  const pool = new WorkerPool({
    count: workers,
    introduce: (number) => introductionOf(parts, number, workers),
    onMessage: (message, worker) => {
      if (message.kind === "measured") counts.measured(worker, message);
      else void answer(parts, message, worker);
    },
    log,
  });
  const counts = new WorkerCounts(
    () => familiesOf(parts),
    () => pool.living(),
  );
  parts.catalogs.onChange((change) => pool.change(change));
  const stopFollowing = followOthers(parts);
  const edit: typeof parts.catalogs.edit = async (propose) => {
    const result = await parts.catalogs.edit(propose);
    await tellLate();
    return result;
  };
  const tellLate = async () => {
    const behind = await pool.applied(appliedWithinMs);
    if (behind.length > 0) log.record({ event: "workers_behind", workers: behind });
  };
  let admin: Listener | undefined;
  try {
    await rotateWhenOld(parts);
    await pool.open();
    admin = await serveAdmin(parts, { edit, families: () => counts.families() });
  } catch (error) {
    stopFollowing();
    await pool.close(0);
    await closeParts(parts);
    throw error;
  }
  const stopHousekeeping = keepHouse(parts);
  return {
    async apply(newConfig) {
      await parts.catalogs.apply(newConfig);
      await tellLate();
    },
    async reload(read, approve) {
      const update = await parts.catalogs.reload(read, approve);
      await tellLate();
      return update;
    },
    overruled: () => parts.catalogs.overruled(),
    rotateKeys: () => parts.tokens.rotateKeys(),
    servedApplications: () => servedApplications(parts.catalogs.current()),
    reloadCertificates() {
      pool.tell({ kind: "reload_certificates" });
      admin?.reloadCertificates();
    },
    checkProviders: () => parts.checkProviders(),
    async close(graceMs = 0) {
      await admin?.close(0);
      await pool.close(graceMs);
      stopHousekeeping();
      stopFollowing();
      await closeParts(parts);
    },
    cut: () => pool.cut(),
  };
}

async function answer(parts: Parts, message: ToKeeper, worker: WorkerProcess): Promise<void> {
  switch (message.kind) {
    case "question": {
      const isAllowed = await answerTo(parts.limits, message.question);
      worker.tell({ kind: "answer", id: message.id, isAllowed });
      break;
    }
    case "event": {
      const event = { ...message.event, worker: worker.number };
      parts.record(event);
      break;
    }
  }
}

function introductionOf(parts: Parts, number: number, workers: number): Introduction {
  const { config, catalogs, secretKey } = parts;
  const { pollsPerNetwork, pollsInAll } = defaultRelaySettings;
  return {
    number,
    settings: shareOf(config, workers),
    frame: catalogs.frame(),
    secretKey: secretKey.toString("base64"),
    relay: {
      pollsPerNetwork: Math.ceil(pollsPerNetwork / workers),
      pollsInAll: Math.ceil(pollsInAll / workers),
    },
  };
}

/** The settings of one of several workers: what an origin bears is divided among them. */
function shareOf(settings: Settings, workers: number): Settings {
  const { origin_connections: all } = settings.limits;
  return {
    ...settings,
    limits: { ...settings.limits, origin_connections: Math.ceil(all / workers) },
  };
}
