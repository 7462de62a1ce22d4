// Who stands between the load and the origin of most scenarios, all with the same request: the
// token of a person who is signed in, in the cookie.
import { type Contender, type Entry, entryOf } from "./contest.ts";
import {
  browserHeaders,
  checkJob,
  type Gateway,
  type GatewayOptions,
  publicKeyOf,
  startGateway,
  type Variant,
} from "./gateway.ts";
import type { Target } from "./load/probe.ts";
import { type WrkOptions, wrk } from "./load/wrk.ts";
import { startOrigin } from "./nginx.ts";
import {
  type PeerSetting,
  startApache,
  startAuthRequest,
  startBareNginx,
  startCaddy,
  startDecisionService,
  startHaproxy,
} from "./peers/start.ts";
import { freePort } from "./process.ts";
import type { Setting } from "./setting.ts";
import type { Stage } from "./stage.ts";

export const bare = "nginx bare";

/** name → what starts it */
const peers = {
  [bare]: (stage: Stage, { origin }: PeerSetting) => startBareNginx(stage, origin),
  "nginx auth_request": (stage: Stage, setting: PeerSetting) => startAuthRequest(stage, setting),
  "nginx auth_request, cached": (stage: Stage, setting: PeerSetting) =>
    startAuthRequest(stage, setting, { isCached: true }),
  "HAProxy jwt_verify": startHaproxy,
  "Apache mod_auth_openidc": startApache,
  "Caddy forward_auth": startCaddy,
};

export type PeerName = keyof typeof peers;

export const allPeers = Object.keys(peers) as PeerName[];

/** Somebody who answers, before anything says how they are asked. */
export interface Stand {
  name: string;
  /** of the processes whose CPU and memory count; none for the origin itself */
  pids: readonly number[];
  target: Target;
}

/** @returns the origin alone, the peers, and the gateway in each of its variants */
export async function lineUp(
  { stage, variants }: Setting,
  names: readonly PeerName[],
  options: Omit<GatewayOptions, "origin"> = {},
): Promise<Entry<Stand>[]> {
  const origin = await freePort();
  await stage.keep(startOrigin(stage.folder, origin));
  const posterns: Entry<GatewayStand>[] = [];
  for (const variant of variants) {
    const starting = startGatewayStand(stage, variant, { ...options, origin });
    posterns.push(await entryOf(variant.name, starting));
  }
  const first = posterns.find((entry) => "gateway" in entry);
  if (first === undefined) throw new Error(JSON.stringify(posterns));
  const service = await startDecisionService(stage);
  const setting = { origin, service, key: await publicKeyOf(first.gateway) };
  const { headers } = first.target;
  const alone: Stand = { name: "no proxy", pids: [], target: { port: origin, path, headers } };
  const stands: Entry<Stand>[] = [alone];
  for (const name of names) {
    const starting = peers[name](stage, setting);
    const stand = starting.then(({ port, pids }) => ({
      name,
      pids,
      target: { port, path, headers },
    }));
    stands.push(await entryOf(name, stand));
  }
  return [...stands, ...posterns];
}

/** of 1 kB */
const path = "/1k";

interface GatewayStand extends Stand {
  gateway: Gateway;
}

/** Starts a gateway, and holds it to its job once. */
async function startGatewayStand(
  stage: Stage,
  variant: Variant,
  options: GatewayOptions,
): Promise<GatewayStand> {
  const gateway = await startGateway(stage, variant, options);
  const target = { port: gateway.port, path, headers: browserHeaders(gateway.tokens[0]) };
  await checkJob(target);
  return { name: variant.name, pids: [gateway.pid], target, gateway };
}

/** How wrk asks those who stand there. */
export interface Question extends Partial<WrkOptions> {
  path?: string;
  /** of the answer's body, bytes */
  length: number;
  headers?: Record<string, string>;
}

/** @returns the stands as contenders, each asked by wrk */
export function askedByWrk(stands: readonly Entry<Stand>[], question: Question): Entry[] {
  return stands.map((stand) => ("failure" in stand ? stand : contenderOf(stand, question)));
}

function contenderOf({ name, pids, target }: Stand, question: Question): Contender {
  const { length, path: asked = path, headers, ...options } = question;
  const whole = { ...target, path: asked, headers: { ...target.headers, ...headers } };
  return { name, pids, run: (seconds) => wrk(whole, length, { ...options, seconds }) };
}
