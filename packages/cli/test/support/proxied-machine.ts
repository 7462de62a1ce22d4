// A machine that reaches everything by way of a forward proxy, and whose browser and commands trust
// the authority of the gateway there.
import type { TestContext } from "node:test";
import { certificateFor } from "../../../../test/support/tls.ts";
import { type Peer, startPeer } from "./peer.ts";
import { type Proxy as ForwardProxy, startProxy } from "./proxy.ts";
import { type Machine, machine } from "./terminal.ts";

export interface ProxiedMachine {
  /** every host below `example.test`, by https */
  peer: Peer;
  proxy: ForwardProxy;
  person: Machine;
}

/** It needs openssl and curl. */
export async function proxiedMachine(context: TestContext): Promise<ProxiedMachine> {
  const certificate = certificateFor(context, ["*.example.test"]);
  const peer = await startPeer(context, { secure: certificate });
  const proxy = await startProxy(context, peer.port);
  const browser = `exec curl -s --cacert '${certificate.ca_file}' -o /dev/null "$1"`;
  const person = machine(context, browser);
  Object.assign(person.environment, {
    HTTPS_PROXY: proxy.url,
    POSTERN_CA_FILE: certificate.ca_file,
  });
  return { peer, proxy, person };
}
