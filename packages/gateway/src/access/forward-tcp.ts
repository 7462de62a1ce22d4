// Requests to services that carry bytes (wire-protocol 10): tcp, ssh, rdp, smb and the bastion. The
// service is dialled before the upgrade is answered: a client can show an answer that says that the
// service is down, and a close frame few do.
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { serviceText } from "../catalog/choose-service.ts";
import { valuesOf } from "../http/request-headers.ts";
import { type Opening, readOpening } from "../http/websocket-opening.ts";
import type { IngressRule } from "../model/model.ts";
import type { TcpAddress } from "../model/tcp-address.ts";
import { canonicalAddress } from "../network.ts";
import { type DialFault, dialTcp } from "../origin/tcp-dialer.ts";
import { chooseDestination, type DestinationChoice } from "./choose-destination.ts";
import type { ApplicationRequest } from "./forward-http.ts";
import type { OpenStreams } from "./open-streams.ts";
import type { Asker } from "./still-passes.ts";
import { StreamPings } from "./stream-pings.ts";
import { type StreamFault, streamEnds } from "./stream-problems.ts";
import { TcpStream } from "./tcp-stream.ts";

/** [ext] An empty binary frame is the end of one direction. */
const halfCloseProtocol = "postern.tcp.v1";

/** A request that may pass, to such a service. */
export interface StreamRequest extends ApplicationRequest {
  rule: IngressRule;
  asker: Asker;
}

type Opened = Extract<Opening, { ok: true }>;

/** What holds for every stream. */
export interface TcpForwarderOptions {
  streams: OpenStreams;
  /** open connections to one service, at most */
  originConnections: number;
  /** called when no stream begins, by the client's fault */
  onRefusal: (request: StreamRequest, fault: StreamFault) => void;
  /** called when the service cannot be reached */
  onFault: (request: StreamRequest, fault: DialFault | "busy", detail: string) => void;
  /** called when the service breaks a stream off */
  onBroken: (request: StreamRequest, detail: string) => void;
}

/** Begins streams, and counts those of each service. */
export class TcpForwarder {
  readonly #options: TcpForwarderOptions;
  readonly #pings = new StreamPings();
  readonly #countOf = new Map<string, number>();

  constructor(options: TcpForwarderOptions) {
    this.#options = options;
  }

  /** Begins a stream. It opens, or its fault comes, later. */
  forward(request: StreamRequest): void {
    const { exchange, reading, rule } = request;
    const { originConnections, onRefusal, onFault } = this.#options;

    // 1. What is asked for.
    const opening = readOpening(exchange.head, [halfCloseProtocol]);
    if (!opening.ok) {
      onRefusal(request, opening.fault);
      return;
    }

    // 2. Where it leads.
    const choice = destinationOf(rule, reading.rawHeaders);
    if (!choice.ok) {
      onRefusal(request, choice.fault);
      return;
    }

    // 3. Whether there is room.
    const service = serviceText(rule.service);
    const count = this.#countOf.get(service) ?? 0;
    if (count >= originConnections) {
      onFault(request, "busy", `${count} connections are open`);
      return;
    }

    // 4. The connection.
    this.#countOf.set(service, count + 1);
    this.#dial(request, choice.address, opening, () => this.#leave(service));
  }

  #dial(request: StreamRequest, address: TcpAddress, opening: Opened, leave: () => void): void {
    const { exchange, rule } = request;
    let stream: TcpStream | undefined;
    const origin = dialTcp(address, rule.originRequest, {
      open: () => {
        exchange.onAbort = undefined;
        stream = this.#open(request, origin, opening);
      },
      fail: (fault, detail) => {
        exchange.onAbort = undefined;
        this.#options.onFault(request, fault, detail);
      },
      data: (bytes) => stream?.originData(bytes),
    });
    origin.once("close", leave);
    // A client that goes away meanwhile wants nothing of the service any more.
    exchange.onAbort = () => origin.destroy();
  }

  /** @throws {Error} when the transport has no tunnel for what it said could go on */
  #open(request: StreamRequest, origin: Socket, opening: Opened): TcpStream {
    const { exchange, reading, match, rule, asker } = request;
    const { status, rawHeaders, protocol } = opening;
    const tunnel = exchange.upgrade?.({ status, rawHeaders });
    if (tunnel === undefined) throw new Error("the transport has no tunnel");

    const stream = new TcpStream({
      tunnel,
      origin,
      halfClose: protocol === halfCloseProtocol,
      idleTimeout: rule.originRequest.idleTimeout,
      pings: this.#pings,
      onBroken: (detail) => this.#options.onBroken(request, detail),
      onClose: () => open.close(),
    });
    const open = this.#options.streams.add({
      facts: reading.facts,
      application: match.application,
      asker,
      isStream: true,
      bytes: () => stream.bytes,
      end: (reason) => stream.end(...streamEnds[reason]),
    });
    return stream;
  }

  #leave(service: string): void {
    const count = (this.#countOf.get(service) ?? 1) - 1;
    if (count === 0) this.#countOf.delete(service);
    else this.#countOf.set(service, count);
  }
}

function destinationOf({ service }: IngressRule, rawHeaders: readonly string[]): DestinationChoice {
  switch (service.kind) {
    case "stream":
      return { ok: true, address: service };
    case "bastion": {
      const asked = valuesOf(rawHeaders, "cf-access-jump-destination");
      return chooseDestination(service.destinations, asked, ownAddresses());
    }
    default:
      throw new Error(`${service.kind} carries no bytes`);
  }
}

/** Of this machine, as it has them now. */
function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const addresses = interfaces.filter(({ internal }) => !internal).map(({ address }) => address);
  return addresses.flatMap((address) => canonicalAddress(address) ?? []);
}
