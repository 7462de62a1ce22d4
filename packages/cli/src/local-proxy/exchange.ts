// One local request at the gateway, and its answer back, both as they arrive. The credential is
// added here and nowhere else. Where its session had ended, the request is sent once more with
// another one, if there is still all of it to send.
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { AppUrl } from "../app-url.ts";
import { withoutSecrets } from "../net/debug.ts";
import type { CredentialSource } from "../sign-in/credential-source.ts";
import { localFields } from "./answer-fields.ts";
import type { GatewayConnections } from "./gateway-connections.ts";
import {
  type GatewayAnswer,
  GatewayFault,
  type GatewayHead,
  type GatewayRequest,
} from "./gateway-request.ts";
import { pairsOf, valuesOf } from "./header-fields.ts";
import { askPlainly, isLfsBatch, withLocalAddresses } from "./lfs-addresses.ts";
import { sendRefusal, writeHead } from "./local-answer.ts";
import {
  credentialRefused,
  type Refusal,
  refusalFor,
  sessionEnded,
  wantsCredential,
} from "./refusals.ts";
import { RequestBody } from "./request-body.ts";
import {
  gatewayFields,
  type RequestSides,
  withoutOwnTokens,
  withoutOwnTrailers,
} from "./request-fields.ts";

/** What all requests of one application share. */
export interface ProxyParts {
  app: AppUrl;
  /** origin of the team domain */
  team: string;
  source: CredentialSource;
  connections: GatewayConnections;
  /** tells the person, who reads no answers; not the same line again and again */
  report(line: string): void;
  /** what `--debug` shows of an exchange */
  trace(line: string): void;
}

/** A client that waits for a go-ahead gets it after this time (RFC 9110 10.1.1; milliseconds). */
const continueAnyway = 1_000;
/** For how long a client may go on with a body that nobody reads any more (milliseconds). */
const lingering = 2_000;

/** Sends an admitted request on. Its answer, or one line in its place, follows. */
export function forward(
  parts: ProxyParts,
  request: IncomingMessage,
  response: ServerResponse,
  localOrigin: string,
): void {
  void new Exchange(parts, request, response, localOrigin).run();
}

/** What is asked of the gateway, without a credential. */
export function headFor(
  { app, team }: Pick<ProxyParts, "app" | "team">,
  { method = "", url = "", rawHeaders, headers }: IncomingMessage,
  localOrigin: string,
): GatewayHead {
  const contentLength = headers["content-length"];
  const isChunked = headers["transfer-encoding"] !== undefined;
  return {
    method,
    path: withoutOwnTokens(url, team),
    fields: gatewayFields(rawHeaders, { appOrigin: app.origin, localOrigin }),
    contentLength,
    hasBody: isChunked || (contentLength !== undefined && contentLength !== "0"),
    expectsContinue: headers.expect !== undefined,
    wantsTrailers: /\btrailers\b/i.test(String(headers.te ?? "")),
  };
}

class Exchange {
  readonly #parts: ProxyParts;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #sides: RequestSides;
  readonly #head: GatewayHead;
  readonly #body: RequestBody;
  #gatewayRequest: GatewayRequest | undefined;
  #goAhead: NodeJS.Timeout | undefined;
  #isClientGone = false;

  constructor(
    parts: ProxyParts,
    request: IncomingMessage,
    response: ServerResponse,
    localOrigin: string,
  ) {
    this.#parts = parts;
    this.#request = request;
    this.#response = response;
    this.#sides = { appOrigin: parts.app.origin, localOrigin };
    const head = headFor(parts, request, localOrigin);
    this.#head = isLfsBatch(head) ? askPlainly(head) : head;
    this.#body = new RequestBody(request);
  }

  async run(): Promise<void> {
    this.#response.once("close", this.#closed);
    try {
      const answer = await this.#ask();
      if ("line" in answer) this.#refuse(answer);
      else this.#deliver(this.#withLocalAddresses(answer));
    } catch (error) {
      this.#refuse(refusalFor(error, this.#parts.app.origin));
    }
  }

  /** The answer of the application, or why there is none. */
  async #ask(): Promise<GatewayAnswer | Refusal> {
    const { source, team, app, trace } = this.#parts;
    const asked = { method: this.#head.method, url: new URL(app.origin + this.#head.path) };
    trace(`> ${asked.method} ${withoutSecrets(asked.url.href)}`);
    const credential = await source.fieldsFor(asked);
    const answer = await this.#send(credential);
    trace(`< ${answer.status}`);
    if (!wantsCredential(answer, team)) return answer;

    this.#giveUpRequest();
    if (!(await source.refused(credential, asked))) return credentialRefused(app.origin);
    if (!this.#body.canBeSentAgain) return sessionEnded(app.origin);
    const second = await this.#send(await source.fieldsFor(asked));
    return wantsCredential(second, team) ? credentialRefused(app.origin) : second;
  }

  async #send(credential: Readonly<Record<string, string>>): Promise<GatewayAnswer> {
    const fields = [...this.#head.fields, ...Object.entries(credential).flat()];
    const head = { ...this.#head, fields };
    try {
      return await this.#sendOnce(head);
    } catch (error) {
      const isUnread = error instanceof GatewayFault && error.unread;
      if (!isUnread || !this.#body.canBeSentAgain || this.#isClientGone) throw error;
      this.#giveUpRequest();
      return this.#sendOnce(head);
    }
  }

  async #sendOnce(head: GatewayHead): Promise<GatewayAnswer> {
    const { connections } = this.#parts;
    const request = await connections.open(head, this.#informed);
    // Whatever breaks is told by the answer.
    request.body.on("error", () => {});
    this.#gatewayRequest = request;
    if (this.#isClientGone) request.cancel();
    else if (!head.hasBody) request.body.end();
    else if (head.expectsContinue) this.#goAhead = setTimeout(this.#sendBody, continueAnyway);
    else this.#sendBody();
    return request.answer;
  }

  #withLocalAddresses(answer: GatewayAnswer): GatewayAnswer {
    return isLfsBatch(this.#head) ? withLocalAddresses(answer, this.#sides) : answer;
  }

  readonly #sendBody = (): void => {
    clearTimeout(this.#goAhead);
    if (this.#gatewayRequest !== undefined) this.#body.sendTo(this.#gatewayRequest);
  };

  readonly #informed = (status: number, rawFields: readonly string[]): void => {
    if (status === 100) {
      if (!this.#head.expectsContinue) return;
      this.#response.writeContinue();
      this.#sendBody();
    } else if (status === 102) this.#response.writeProcessing();
    else if (status === 103) this.#hint(localFields(rawFields, this.#sides));
  };

  #hint(fields: readonly string[]): void {
    const links = valuesOf(fields, "link");
    if (links.length === 0) return;
    try {
      this.#response.writeEarlyHints({ link: links });
    } catch {
      // Node refuses a link that it cannot read; a hint is no more than that.
    }
  }

  #deliver(answer: GatewayAnswer): void {
    const { body, trailers } = answer;
    const response = this.#response;
    clearTimeout(this.#goAhead);
    writeHead(response, answer, localFields(answer.fields, this.#sides));
    // With the first bytes of the body, where they are here: an event may be hours away.
    setImmediate(() => response.flushHeaders());
    body.once("end", () => {
      const pairs = withoutOwnTrailers(trailers());
      if (pairs.length > 0) response.addTrailers(pairsOf(pairs));
    });
    pipeline(body, response, this.#delivered);
  }

  readonly #delivered = (): void => {
    if (this.#head.hasBody && !this.#body.hasEnded) {
      this.#giveUpRequest();
      this.#linger();
    }
  };

  /** A connection that is closed at once may lose the answer: what still comes is thrown away. */
  #linger(): void {
    const { socket } = this.#request;
    const timer = setTimeout(() => socket.destroy(), lingering);
    this.#request.once("end", () => clearTimeout(timer));
    socket.once("close", () => clearTimeout(timer));
    this.#request.resume();
  }

  #refuse(refusal: Refusal): void {
    this.#giveUpRequest();
    if (this.#isClientGone) return;
    this.#parts.report(refusal.line);
    sendRefusal(this.#response, refusal);
    if (this.#head.hasBody && !this.#body.hasEnded) this.#linger();
  }

  #giveUpRequest(): void {
    clearTimeout(this.#goAhead);
    this.#body.stop();
    this.#gatewayRequest?.cancel();
    this.#gatewayRequest = undefined;
  }

  /** The client goes away: the gateway need not go on. */
  readonly #closed = (): void => {
    if (this.#response.writableFinished) return;
    this.#isClientGone = true;
    this.#giveUpRequest();
  };
}
