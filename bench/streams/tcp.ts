// Where TCP goes over WebSocket: the gateway beside socat, which the programs reach without any
// WebSocket, and beside the least server of WebSockets, which they reach as they do the gateway.

import type { Stage } from "../stage.ts";
import type { Contender, Work } from "./compare.ts";
import { browserHeaders, startGateway } from "./gateway.ts";
import { startBareWebSocketServer, startRelayClient, startSocat } from "./peers.ts";

/**
 * @param scheme of the service: `tcp`, `ssh`
 * @param target the service's port
 * @param work what is done through a port that leads to the service
 */
export async function tcpContenders(
  stage: Stage,
  scheme: string,
  target: number,
  work: (port: number) => Promise<Work>,
): Promise<Contender[]> {
  const gateway = await startGateway(stage, { service: `${scheme}://127.0.0.1:${target}` });
  const socat = await startSocat(stage, target);
  const bare = await startBareWebSocketServer(stage, target);
  const toGateway = await startRelayClient(stage, gateway.port, browserHeaders(gateway));
  const toBare = await startRelayClient(stage, bare.port, {});
  return [
    { name: "**Postern**", pid: gateway.pid, run: () => work(toGateway) },
    { name: "socat", pid: socat.pid, run: () => work(socat.port) },
    { name: "the same client, bare server", pid: bare.pid, run: () => work(toBare) },
  ];
}
