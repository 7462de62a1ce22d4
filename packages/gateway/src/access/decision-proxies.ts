// Which proxies may ask for decisions, and in which dialect (wire-protocol 12).
import type { DecisionProxy, ProxyDialect } from "../model/proxy-dialect.ts";
import { contains, type Network, parseAddress } from "../network.ts";
import { parseProxies } from "./trusted-proxies.ts";

interface Entry extends Pick<DecisionProxy, "dialect"> {
  network: Network;
}

/** The entries of the configuration. The narrowest network that has a peer speaks for it. */
export class DecisionProxies {
  readonly networks: readonly Network[];
  readonly #entries: readonly Entry[];
  readonly #byPeer = new Map<string, readonly ProxyDialect[]>();

  /** @throws {Error} when one is no network: the configuration has no such value */
  constructor(proxies: readonly DecisionProxy[]) {
    this.networks = parseProxies(proxies.map(({ cidr }) => cidr));
    this.#entries = this.networks.flatMap((network, index) => {
      const dialect = proxies[index]?.dialect;
      return dialect === undefined ? [] : [{ network, dialect }];
    });
  }

  /** Whether the peer has an entry of this dialect. */
  mayAsk(peer: string | undefined, dialect: string): boolean {
    if (peer === undefined) return false;
    return this.#dialectsOf(peer).some((each) => each === dialect);
  }

  /** Remembered for peers that have an entry: strangers fill nothing. */
  #dialectsOf(peer: string): readonly ProxyDialect[] {
    const remembered = this.#byPeer.get(peer);
    if (remembered !== undefined) return remembered;

    const address = parseAddress(peer);
    if (address === undefined) return [];
    const around = this.#entries.filter(({ network }) => contains(network, address));
    const narrowest = Math.max(...around.map(({ network }) => network.bits));
    const dialects = around
      .filter(({ network }) => network.bits === narrowest)
      .map(({ dialect }) => dialect);
    if (dialects.length > 0 && this.#byPeer.size < rememberedPeers)
      this.#byPeer.set(peer, dialects);
    return dialects;
  }
}

const rememberedPeers = 1_000;
