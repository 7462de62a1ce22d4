// Requests to services that carry bytes (wire-protocol 10): tcp, ssh, rdp, smb and the bastion. The
// service is dialled before the upgrade is answered: a client can show an answer that says that the
// service is down, and a close frame few do.
import { networkInterfaces } from "node:os";
import { halfCloseProtocol, headers } from "@postern/protocol";
import { serviceText } from "../catalog/choose-service.ts";
import { valuesOf } from "../http/request-headers.ts";
import type { UpgradeExchange } from "../http/transport.ts";
import { webSocketAnswer } from "../http/websocket-opening.ts";
import type { IngressRule } from "../model/model.ts";
import type { TcpAddress } from "../model/tcp-address.ts";
import { canonicalAddress } from "../network.ts";
import type { RecordEvent } from "../observe/events.ts";
import { type DialFault, dialTcp, type TcpConnection } from "../origin/tcp-dialer.ts";
import { chooseDestination, type DestinationChoice } from "./choose-destination.ts";
import type { ApplicationRequest } from "./forwarding.ts";
import type { OpenStreams } from "./open-streams.ts";
import type { Problem } from "./problems.ts";
import { originFailedEvent } from "./request-events.ts";
import type { Asker } from "./still-passes.ts";
import { StreamPings } from "./stream-pings.ts";
import { streamEnds, streamProblem } from "./stream-problems.ts";
import { TcpStream } from "./tcp-stream.ts";

/** A request that may pass, to such a service. */
export interface StreamRequest extends ApplicationRequest {
  rule: IngressRule;
  asker: Asker;
}

/** One that is a WebSocket. */
interface Dial extends StreamRequest {
  exchange: UpgradeExchange;
}

/** What holds for every stream. */
export interface TcpForwarderOptions {
  streams: OpenStreams;
  /** open connections to one service, at most */
  originConnections: number;
  /** called when no stream begins, by the client's fault */
  onRefusal: (request: StreamRequest, problem: Problem) => void;
  /** called when the service cannot be reached */
  onFault: (request: StreamRequest, fault: DialFault | "busy", detail: string) => void;
  record: RecordEvent;
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
    const { reading, rule } = request;
    const { originConnections, onRefusal, onFault } = this.#options;

    // 1. What is asked for.
    if (!isDial(request)) {
      onRefusal(request, streamProblem("no_websocket", rule.service, reading.facts));
      return;
    }

    // 2. Where it leads.
    const choice = destinationOf(rule, reading.rawHeaders);
    if (!choice.ok) {
      onRefusal(request, streamProblem(choice.fault, rule.service, reading.facts));
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
    const connection = this.#dial(request, choice.address);
    this.#countOf.set(service, count + 1);
    connection.socket.once("close", () => this.#leave(service));
  }

  #dial(request: Dial, address: TcpAddress): TcpConnection {
    const { exchange, rule } = request;
    const connection = dialTcp(address, rule.originRequest, {
      open: () => {
        exchange.onAbort = undefined;
        this.#open(request, connection);
      },
      fail: (fault, detail) => {
        exchange.onAbort = undefined;
        this.#options.onFault(request, fault, detail);
      },
    });
    // A client that goes away meanwhile wants nothing of the service any more.
    exchange.onAbort = () => connection.socket.destroy();
    return connection;
  }

  /** From here on nothing keeps the request in memory: a stream may be open for days. */
  #open(request: Dial, connection: TcpConnection): void {
    const { exchange, reading, match, rule, asker } = request;
    const answer = webSocketAnswer(exchange.head, [halfCloseProtocol]);
    const stream = new TcpStream({
      tunnel: exchange.upgrade(answer.head),
      origin: connection,
      halfClose: answer.protocol !== undefined,
      idleTimeout: rule.originRequest.idleTimeout,
      pings: this.#pings,
    });
    stream.onBroken = this.#recorderOf(request);
    const open = this.#options.streams.add({
      facts: reading.facts,
      application: match.application,
      asker,
      isStream: true,
      bytes: () => stream.bytes,
      end: (reason) => stream.end(...streamEnds[reason]),
    });
    stream.onClose = open.close;
  }

  /** Writes down that the service broke a stream off. */
  #recorderOf(request: Dial): (detail: string) => void {
    const { record } = this.#options;
    const event = originFailedEvent(request, "closed", "");
    return (detail) => record({ ...event, detail });
  }

  #leave(service: string): void {
    const count = (this.#countOf.get(service) ?? 1) - 1;
    if (count === 0) this.#countOf.delete(service);
    else this.#countOf.set(service, count);
  }
}

function isDial(request: StreamRequest): request is Dial {
  return request.exchange.upgrade !== undefined && request.reading.upgrade === "websocket";
}

function destinationOf({ service }: IngressRule, rawHeaders: readonly string[]): DestinationChoice {
  switch (service.kind) {
    case "stream":
      return { ok: true, address: service };
    case "bastion": {
      const asked = valuesOf(rawHeaders, headers.jumpDestination);
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
