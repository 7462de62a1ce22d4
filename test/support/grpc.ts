// A gRPC service with all four kinds of call, and its client, both of @grpc/grpc-js. Messages are
// bytes: no .proto is needed.
import {
  type ChannelOptions,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type requestCallback,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";

const bytes = (value: Buffer): Buffer => value;

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

const service = {
  Unary: method("Unary", false, false),
  Collect: method("Collect", true, false),
  Count: method("Count", false, true),
  Chat: method("Chat", true, true),
};

type Bytes = Buffer;

export interface GrpcService {
  /** `127.0.0.1:<port>` */
  address: string;
  /** calls in the order in which they began */
  calls: SeenCall[];
  close(): void;
}

export interface SeenCall {
  metadata: Record<string, unknown>;
  deadline: Date | number;
  cancelled: boolean;
}

/**
 * `Unary` echoes, `Collect` answers with the length of all it got, `Count` sends as many numbers as
 * it is asked for (for a number below zero, it then waits; `5x80`: 80 bytes each), `Chat` echoes
 * message by message. A message `fail` fails with NOT_FOUND, and one `hang` is never answered.
 */
export async function startGrpcService(): Promise<GrpcService> {
  const calls: SeenCall[] = [];
  const server = new Server(messageLimits);
  server.addService(service, {
    Unary(call: ServerUnaryCall<Bytes, Bytes>, answer: sendUnaryData<Bytes>) {
      note(calls, call);
      const text = call.request.toString("latin1", 0, 8);
      if (text === "fail") answer({ code: status.NOT_FOUND, details: "no such thing: é" });
      else if (text !== "hang") answer(null, call.request, trailerOf("unary"));
    },
    Collect(call: ServerReadableStream<Bytes, Bytes>, answer: sendUnaryData<Bytes>) {
      note(calls, call);
      let size = 0;
      call.on("data", (message: Bytes) => {
        size += message.length;
      });
      call.on("end", () => answer(null, Buffer.from(String(size)), trailerOf("collect")));
    },
    async Count(call: ServerWritableStream<Bytes, Bytes>) {
      note(calls, call);
      const [wanted = 0, width = 0] = call.request.toString().split("x").map(Number);
      for (let index = 0; index < Math.abs(wanted); index++)
        if (!call.write(Buffer.from(String(index).padStart(width)))) await drained(call);
      if (wanted >= 0) call.end(trailerOf("count"));
    },
    Chat(call: ServerDuplexStream<Bytes, Bytes>) {
      note(calls, call);
      call.on("data", (message: Bytes) => {
        if (message.toString("latin1", 0, 8) !== "fail") call.write(message);
        else call.emit("error", { code: status.NOT_FOUND, details: "no such thing" });
      });
      call.on("end", () => call.end(trailerOf("chat")));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { address: `127.0.0.1:${port}`, calls, close: () => server.forceShutdown() };
}

const messageLimits: ChannelOptions = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};

interface AnyCall {
  metadata: Metadata;
  getDeadline(): Date | number;
  on(event: "cancelled", listener: () => void): unknown;
}

function note(calls: SeenCall[], call: AnyCall): void {
  const seen = {
    metadata: call.metadata.getMap(),
    deadline: call.getDeadline(),
    cancelled: false,
  };
  call.on("cancelled", () => {
    seen.cancelled = true;
  });
  calls.push(seen);
}

function trailerOf(kind: string): Metadata {
  const trailer = new Metadata();
  trailer.set("x-kind", kind);
  trailer.set("x-bytes-bin", Buffer.from([0, 255]));
  return trailer;
}

function drained(call: ServerWritableStream<Bytes, Bytes>): Promise<void> {
  return new Promise((resolve) => call.once("drain", resolve));
}

/** How a call ended. */
export interface Outcome {
  code: number;
  details: string;
  answers: Buffer[];
  trailer: Record<string, unknown>;
}

/** Names and values; bytes below names that end in `-bin`. */
export type MetadataEntries = Record<string, string | Buffer>;

/** A channel, and one way to make each kind of call. */
export class GrpcClient {
  readonly #client: Client & Record<string, (...parameters: never[]) => unknown>;
  readonly #metadata: MetadataEntries;

  /** @param metadata goes with every call. @param options of the channel */
  constructor(address: string, metadata: MetadataEntries, options: ChannelOptions = {}) {
    const Generic = makeGenericClientConstructor(service, "test.Echo");
    const channel = { ...messageLimits, ...options };
    this.#client = new Generic(address, credentials.createInsecure(), channel) as never;
    this.#metadata = metadata;
  }

  unary(message: string | Buffer, options: object = {}): Promise<Outcome> {
    return this.begin("Unary", message, options).outcome;
  }

  /** Begins a call of any kind. @param message of one that sends a single message */
  begin(kind: keyof typeof service, message?: string | Buffer, options: object = {}): Call {
    const { requestStream, responseStream } = service[kind];
    const answered = Promise.withResolvers<Buffer>();
    answered.promise.catch(() => undefined);
    const callback: requestCallback<Bytes> = (error, answer) =>
      answer === undefined ? answered.reject(error) : answered.resolve(answer);
    const parameters: unknown[] = [metadataOf(this.#metadata), options];
    if (!requestStream) parameters.unshift(Buffer.from((message ?? "") as string));
    if (!responseStream) parameters.push(callback);
    const call = this.#client[kind]?.(...(parameters as never[]));
    return new Call(call as AnyClientCall, responseStream ? undefined : answered.promise);
  }

  close(): void {
    this.#client.close();
  }
}

type AnyClientCall = ClientUnaryCall &
  ClientWritableStream<Bytes> &
  ClientReadableStream<Bytes> &
  ClientDuplexStream<Bytes, Bytes>;

/** One call, and what came back so far. */
export class Call {
  readonly stream: AnyClientCall;
  readonly answers: Buffer[] = [];
  readonly outcome: Promise<Outcome>;

  constructor(stream: AnyClientCall, answer: Promise<Buffer> | undefined) {
    this.stream = stream;
    stream.on("error", () => undefined);
    if (answer === undefined) stream.on("data", (message: Bytes) => this.answers.push(message));
    this.outcome = new Promise((resolve) => {
      stream.on("status", async ({ code, details, metadata }) => {
        const single = await answer?.catch((_error: ServiceError) => undefined);
        if (single !== undefined) this.answers.push(single);
        resolve({ code, details, answers: this.answers, trailer: metadata.getMap() });
      });
    });
  }
}

function metadataOf(entries: MetadataEntries): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}
