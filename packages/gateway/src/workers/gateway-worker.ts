// A worker: it serves what its keeper has in force, and ends when it is told to, or when the keeper
// is gone. Its entry in the bundle.
import cluster from "node:cluster";
import { limitYoungSpace } from "../young-space.ts";
import { serveForKeeper } from "./serve-for-keeper.ts";

if (cluster.worker === undefined)
  throw new Error("gateway-worker.ts is started by keeper.ts alone");
// Otherwise Node ends the process with its channel: whoever is being served would be cut off.
cluster.worker.exitedAfterDisconnect = true;
limitYoungSpace();
serveForKeeper(process);
