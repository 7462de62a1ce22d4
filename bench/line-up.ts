// Who stands between the load and the origin of most scenarios, all with the same request: the
// token of a person who is signed in, in the cookie.
import { type Entry, entryOf } from "./contest.ts";
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
import type { Run } from "./load/run.ts";
import { type WrkOptions, wrk } from "./load/wrk.ts";
import { startOrigin } from "./nginx.ts";
import {
  type Peer,
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
/** What large answers show: the other one passes them through memory. */
export const asItComes = "nginx bare, as it comes";

/** name → what starts it */
const peers = {
  [bare]: (stage: Stage, { origin }: PeerSetting) => startBareNginx(stage, origin),
  [asItComes]: (stage: Stage, { origin }: PeerSetting) =>
    startBareNginx(stage, origin, { isAsItComes: true }),
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
  setting: Setting,
  names: readonly PeerName[],
): Promise<Entry<Stand>[]> {
  const { stage } = setting;
  const origin = await startFileOrigin(stage);
  const posterns = await startGateways(setting, { origin });
  const { gateway, target } = firstOf(posterns);
  const { headers } = target;
  const service = await startDecisionService(stage);
  const peerSetting = { origin, service, key: await publicKeyOf(gateway) };
  const stands: Entry<Stand>[] = [
    { name: "no proxy", pids: [], target: { port: origin, path, headers } },
  ];
  for (const name of names)
    stands.push(await standOf(name, peers[name](stage, peerSetting), target));
  return [...stands, ...posterns];
}

/** of 1 kB */
const path = "/1k";

/** @returns the port of nginx with its files */
export async function startFileOrigin(stage: Stage): Promise<number> {
  const port = await freePort();
  await stage.keep(startOrigin(stage.folder, port));
  return port;
}

export interface GatewayStand extends Stand {
  gateway: Gateway;
}

/** Starts a gateway of each variant, and holds it to its job once. */
export async function startGateways(
  { stage, variants }: Setting,
  options: GatewayOptions,
): Promise<Entry<GatewayStand>[]> {
  const entries: Entry<GatewayStand>[] = [];
  for (const variant of variants) {
    const starting = startGatewayStand(stage, variant, options);
    entries.push(await entryOf(variant.name, starting));
  }
  return entries;
}

async function startGatewayStand(
  stage: Stage,
  variant: Variant,
  options: GatewayOptions,
): Promise<GatewayStand> {
  const gateway = await startGateway(stage, variant, options);
  const { port, tokens } = gateway;
  const isSecure = options.sections?.["tls"] !== undefined;
  const target = { port, path, headers: browserHeaders(tokens[0]), isSecure };
  await checkJob(target);
  return { name: variant.name, pids: [gateway.pid], target, gateway };
}

/**
 * @returns the first gateway that stands: its person's token is what everybody is sent
 * @throws {Error} when none does
 */
export function firstOf(entries: readonly Entry<GatewayStand>[]): GatewayStand {
  const first = entries.find((entry) => "gateway" in entry);
  if (first !== undefined) return first;
  throw new Error(entries.map((entry) => JSON.stringify(entry)).join("; "));
}

/** @param target what the gateway is sent, which a peer gets as well */
export function standOf(
  name: string,
  starting: Promise<Peer>,
  target: Target,
): Promise<Entry<Stand>> {
  const stand = starting.then(({ port, pids }) => ({ name, pids, target: { ...target, port } }));
  return entryOf(name, stand);
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
  return stands.map((stand) => oneAskedByWrk(stand, question));
}

export function oneAskedByWrk(stand: Entry<Stand>, question: Question): Entry {
  const { length, path: asked = path, headers, ...options } = question;
  return contenderOf(stand, (target, seconds) => {
    const whole = { ...target, path: asked, headers: { ...target.headers, ...headers } };
    return wrk(whole, length, { ...options, seconds });
  });
}

/** @param load one run against it */
export function contenderOf(
  stand: Entry<Stand>,
  load: (target: Target, seconds: number, start: () => void) => Promise<Run>,
): Entry {
  if ("failure" in stand) return stand;
  const { name, pids, target } = stand;
  return { name, pids, run: (seconds, start) => load(target, seconds, start) };
}
