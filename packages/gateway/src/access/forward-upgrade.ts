// A request that asks to go on with another protocol goes to its origin over a connection of its
// own. Where the origin agrees, both connections become one tunnel; every other answer is an
// ordinary one, after which the connection is closed (case H9).
import type { Socket } from "node:net";
import { acceptOf } from "@postern/protocol/websocket-handshake";
import { valuesOf } from "../http/request-headers.ts";
import type { ResponseHead, UpgradeExchange } from "../http/transport.ts";
import type { OriginFault } from "../origin/origin-request.ts";
import { ResponseFault } from "../origin/response-fields.ts";
import type { OriginResponseHead } from "../origin/response-head.ts";
import { type ResponseEvents, ResponseReader } from "../origin/response-reader.ts";
import type { RandomBytes } from "../random.ts";
import { type ApplicationRequest, type Forwarding, mayTrail } from "./forwarding.ts";
import type { OpenStream, OpenStreams } from "./open-streams.ts";
import { sanitizeResponseHeaders, sanitizeTrailers } from "./sanitize-headers.ts";
import { cutBoth, joinStreams, trafficOf } from "./tunnel.ts";

/** An upgrade that may pass, and where it goes. */
export interface UpgradeForwarding extends Forwarding {
  exchange: UpgradeExchange;
}

/** What upgrades are forwarded with. */
export interface UpgradeParts {
  streams: OpenStreams;
  randomBytes: RandomBytes;
  /** called when the origin did not answer, or not to the end */
  onFault: (request: ApplicationRequest, fault: OriginFault, detail: string) => void;
}

/**
 * Sends an upgrade on. Its answer, or its fault, comes later.
 * @param origin a connection that was just begun, and serves nobody else
 */
export function forwardUpgrade(
  forwarding: UpgradeForwarding,
  origin: Socket,
  parts: UpgradeParts,
): void {
  new UpgradePassage(forwarding, origin, parts).start();
}

/** The head that opens the tunnel, and what the origin sent behind it. */
interface Agreement {
  head: OriginResponseHead;
  first: Buffer[];
}

/** One upgrade at one origin, up to its tunnel or the end of its answer. */
class UpgradePassage implements ResponseEvents {
  readonly #forwarding: UpgradeForwarding;
  readonly #origin: Socket;
  readonly #parts: UpgradeParts;
  readonly #reader = new ResponseReader();
  readonly #offer: Offer;
  readonly #stream: OpenStream;
  #agreement: Agreement | undefined;
  #isConnected = false;
  #isOver = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(forwarding: UpgradeForwarding, origin: Socket, parts: UpgradeParts) {
    this.#forwarding = forwarding;
    this.#origin = origin;
    this.#parts = parts;
    this.#offer = offerOf(forwarding, parts.randomBytes);
    const { reading, match, asker } = forwarding;
    this.#stream = parts.streams.add({
      facts: reading.facts,
      application: match.application,
      asker,
      isStream: true,
      bytes: trafficOf(origin),
      end: this.#cut,
    });
  }

  start(): void {
    const { exchange, reading, rule } = this.#forwarding;
    const { connectTimeout } = rule.originRequest;
    exchange.onAbort = this.#abandon;
    const origin = this.#origin;
    origin.once("encrypted" in origin ? "secureConnect" : "connect", this.#connected);
    origin.on("data", this.#read);
    origin.on("end", this.#closed);
    origin.on("error", this.#failed);
    origin.on("close", this.#closed);
    this.#reader.start(reading.facts.method, this, true);
    origin.write(requestHead(this.#forwarding, this.#offer), "latin1");
    this.#waitFor(connectTimeout, "connect_timeout", `no connection within ${connectTimeout} ms`);
  }

  // What the origin does.

  readonly #connected = (): void => {
    const { responseTimeout } = this.#forwarding.rule.originRequest;
    this.#isConnected = true;
    this.#waitFor(responseTimeout, "response_timeout", `no answer within ${responseTimeout} ms`);
  };

  readonly #read = (chunk: Buffer): void => {
    try {
      this.#reader.read(chunk);
    } catch (error) {
      // A fault of ours, too, is the end of this request and not of the process.
      this.#fail("malformed", error instanceof ResponseFault ? error.message : String(error));
      return;
    }
    if (this.#agreement !== undefined) this.#openTunnel(this.#agreement);
  };

  readonly #failed = ({ code, message }: NodeJS.ErrnoException): void => {
    this.#fail(this.#isConnected ? "closed" : "unreachable", code ?? message);
  };

  readonly #closed = (): void => {
    if (this.#isOver || this.#reader.close()) return;
    this.#fail(this.#isConnected ? "closed" : "unreachable", "the origin closed the connection");
  };

  // What it answers.

  information(): void {}

  head(head: OriginResponseHead): void {
    if (head.status === 101) {
      checkAgreement(this.#offer, head);
      this.#agreement = { head, first: [] };
      return;
    }
    const { exchange, reading } = this.#forwarding;
    const rawHeaders = sanitizeResponseHeaders(head, reading.rayId, mayTrail(exchange, head));
    exchange.response.start({ status: head.status, reason: head.reason, rawHeaders });
    this.#expectMore();
  }

  data(chunk: Buffer): void {
    if (this.#agreement !== undefined) {
      this.#agreement.first.push(chunk);
      return;
    }
    const { response } = this.#forwarding.exchange;
    this.#expectMore();
    if (response.write(chunk)) return;
    clearTimeout(this.#deadline);
    this.#origin.pause();
    response.onDrain = this.#goOn;
  }

  end(rawTrailers: string[]): void {
    this.#release();
    this.#origin.destroy();
    this.#forwarding.exchange.response.end(undefined, sanitizeTrailers(rawTrailers));
  }

  readonly #goOn = (): void => {
    this.#expectMore();
    this.#origin.resume();
  };

  /** From here on nothing keeps the request in memory: a tunnel may be open for days. */
  #openTunnel({ head, first }: Agreement): void {
    const { exchange } = this.#forwarding;
    const origin = this.#origin.pause();
    clearTimeout(this.#deadline);
    exchange.onAbort = undefined;
    origin.off("data", this.#read).off("end", this.#closed).off("close", this.#closed);
    origin.off("error", this.#failed);

    const client = exchange.upgrade(openingHead(this.#forwarding, head));
    for (const chunk of first) client.write(chunk);
    joinStreams(client, origin);
    this.#stream.end = cutBoth(client, origin);
    client.once("close", this.#stream.close);
  }

  // How it ends.

  /** Nobody may have it any more. */
  readonly #cut = (): void => {
    this.#abandon();
    this.#forwarding.exchange.destroy();
  };

  readonly #abandon = (): void => {
    this.#release();
    this.#origin.destroy();
  };

  #waitFor(ms: number, fault: OriginFault, detail: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#fail(fault, detail), ms);
  }

  /** The rest of an answer is waited for. */
  #expectMore(): void {
    const { bodyTimeout } = this.#forwarding.rule.originRequest;
    this.#waitFor(bodyTimeout, "response_timeout", `the answer stopped for ${bodyTimeout} ms`);
  }

  #fail(fault: OriginFault, detail: string): void {
    if (this.#isOver) return;
    const { exchange } = this.#forwarding;
    const hasBegun = exchange.response.started;
    this.#abandon();
    this.#parts.onFault(this.#forwarding, fault, detail);
    // Cutting off what has begun is the only way left to say that this is not all of it.
    if (hasBegun) exchange.destroy();
  }

  #release(): void {
    const { exchange } = this.#forwarding;
    this.#isOver = true;
    exchange.onAbort = undefined;
    exchange.response.onDrain = undefined;
    clearTimeout(this.#deadline);
    this.#stream.close();
  }
}

/** What the origin is asked to go on with. */
interface Offer {
  /** as the client writes it */
  protocol: string;
  /** the gateway's own `Sec-WebSocket-Key`, where the client's transport has none (RFC 8441 5) */
  key: string | undefined;
}

function offerOf({ exchange, reading }: Forwarding, randomBytes: RandomBytes): Offer {
  const { upgrade = "", rawHeaders } = reading;
  const [protocol = upgrade] = valuesOf(rawHeaders, "upgrade");
  const isKeyless = exchange.head.version === "2.0" && upgrade === "websocket";
  return { protocol, key: isKeyless ? randomBytes(16).toString("base64") : undefined };
}

function requestHead({ reading, originHeaders }: Forwarding, { protocol, key }: Offer): string {
  const { method, path, query } = reading.facts;
  const target = query === "" ? path : `${path}?${query}`;
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (let index = 0; index < originHeaders.length; index += 2)
    head += `${originHeaders[index]}: ${originHeaders[index + 1]}\r\n`;
  if (key !== undefined) head += `Sec-WebSocket-Key: ${key}\r\n`;
  return `${head}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
}

/**
 * Holds the origin to what was asked for (RFC 9110 7.8).
 * @throws {ResponseFault} when it goes on with something else
 */
function checkAgreement({ protocol, key }: Offer, { rawHeaders }: OriginResponseHead): void {
  const [agreed = "", ...more] = valuesOf(rawHeaders, "upgrade");
  if (more.length > 0 || agreed.toLowerCase() !== protocol.toLowerCase())
    throw new ResponseFault("it switches to a protocol that was not requested");
  if (key === undefined) return;
  if (valuesOf(rawHeaders, "sec-websocket-accept").join() !== acceptOf(key))
    throw new ResponseFault("its Sec-WebSocket-Accept does not fit the key");
}

/** What the client gets of the head with which the origin goes on. */
function openingHead({ exchange, reading }: Forwarding, head: OriginResponseHead): ResponseHead {
  const rawHeaders = sanitizeResponseHeaders(head, reading.rayId, false);
  if (exchange.head.version !== "2.0") return { status: 101, reason: head.reason, rawHeaders };
  // Over HTTP/2 a tunnel opens like any answer, and nobody knows the key (RFC 8441 5).
  const isOfKey = (index: number) => rawHeaders[index]?.toLowerCase() === "sec-websocket-accept";
  return { status: 200, rawHeaders: rawHeaders.filter((_, at) => !isOfKey(at - (at % 2))) };
}
