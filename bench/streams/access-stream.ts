// The whole way of `access tcp` and `access ssh`: the built command line as a listener, and the
// gateway, beside socat that leads to the service by itself. CPU and memory are the command line's.
import { join } from "node:path";
import { freePorts, startServer } from "../process.ts";
import type { Stage } from "../stage.ts";
import type { Contender, Work } from "./compare.ts";
import { applicationHost, type Gateway, startGateway } from "./gateway.ts";
import { type Peer, startSocat } from "./peers.ts";

const program = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");
const robot = { id: "robot.access", secret: "secret-of-a-bench" };

/**
 * @param scheme of the service: `tcp`, `ssh`
 * @param target the service's port
 * @param work what is done through a port that leads to the service
 */
export async function accessContenders(
  stage: Stage,
  scheme: string,
  target: number,
  work: (port: number) => Promise<Work>,
): Promise<Contender[]> {
  const gateway = await startGateway(stage, {
    service: `${scheme}://127.0.0.1:${target}`,
    isReachedByPort: true,
    sections: {
      service_tokens: [{ name: "robot", client_id: robot.id, client_secret: robot.secret }],
      applications: [{ name: "App", domain: applicationHost, policies: [forRobots] }],
    },
  });
  const client = await startClient(stage, scheme, gateway);
  const socat = await startSocat(stage, target);
  return [
    { name: `**access ${scheme}**`, pid: client.pid, run: () => work(client.port) },
    { name: "socat", pid: socat.pid, run: () => work(socat.port) },
  ];
}

const forRobots = {
  name: "robots",
  decision: "non_identity",
  include: [{ any_valid_service_token: {} }],
};

/** On the core of the load, as a person's machine is not the gateway's. */
async function startClient(stage: Stage, scheme: string, gateway: Gateway): Promise<Peer> {
  const [port = 0] = await freePorts(1);
  const host = `${applicationHost}:${gateway.port}`;
  const args = [program, "access", scheme, "--hostname", host, "--url", `localhost:${port}`];
  const environment = {
    POSTERN_HOME: join(stage.folder, "home"),
    POSTERN_SERVICE_TOKEN_ID: robot.id,
    POSTERN_SERVICE_TOKEN_SECRET: robot.secret,
  };
  const ready = /Listening on/;
  const starting = startServer("load", process.execPath, args, { environment, ready });
  return { port, pid: (await stage.keep(starting)).pid };
}
