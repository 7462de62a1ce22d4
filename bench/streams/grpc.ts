// gRPC with all four kinds of call, HTTP/2 on both sides, beside nginx's grpc_pass. Client and
// service are @grpc/grpc-js; messages are bytes, so that nothing is serialized.
import { type ChannelOptions, Client, credentials, Metadata } from "@grpc/grpc-js";
import type { Stage } from "../stage.ts";
import { compareInTurns, type Work } from "./compare.ts";
import { applicationHost, type Gateway, startGateway } from "./gateway.ts";
import { asItIs, bigMebibytes, messages, methods, small, startService } from "./grpc-service.ts";
import { startBareNginx } from "./peers.ts";
import { type Comparison, type Finding, half } from "./report.ts";

const seconds = 3;
const rounds = 3;
const lanes = 50;

export async function grpc(stage: Stage): Promise<Finding[]> {
  const origin = await startService(stage);
  const gateway = await startGateway(stage, {
    service: `http://127.0.0.1:${origin}`,
    originRequest: { http2Origin: true },
  });
  const nginx = await startBareNginx(stage, origin, "grpc_pass grpc://origin;", "http2");
  const compare = async (title: string, work: (caller: Caller) => Promise<Work>, unit = calls) => {
    const contenders = [
      { name: "**Postern**", ...gateway },
      { name: "nginx", ...nginx },
    ].map(({ name, pid, port }) => {
      const caller = new Caller(port, gateway);
      stage.onEnd(() => caller.close());
      return { name, pid, run: () => work(caller) };
    });
    const results = await compareInTurns(contenders, rounds);
    return { kind: "comparison", title, unit, results, promise: half } satisfies Comparison;
  };
  const many = (call: (caller: Caller) => Promise<void>) => (caller: Caller) =>
    repeat(caller, call);
  return [
    await compare(
      "gRPC, unary",
      many((caller) => caller.unary()),
    ),
    await compare(
      `gRPC, ${messages} messages to the service`,
      many((caller) => caller.clientStream()),
    ),
    await compare(
      `gRPC, ${messages} messages from it`,
      many((caller) => caller.serverStream()),
    ),
    await compare(
      `gRPC, ${messages} messages and their echoes`,
      many((caller) => caller.both()),
    ),
    await compare(`gRPC, ${bigMebibytes} MiB from it`, takeMuch, mebibytes),
  ];
}

const calls = { name: "calls", cost: "μs" as "μs" | "ms" };
const mebibytes = { name: "MiB", cost: "ms" as "μs" | "ms" };

/** Calls on some lanes, one after the other on each. */
async function repeat(caller: Caller, call: (caller: Caller) => Promise<void>): Promise<Work> {
  const delays: number[] = [];
  const begin = performance.now();
  const drive = async () => {
    let last = performance.now();
    while (last < begin + seconds * 1_000) {
      await call(caller);
      const now = performance.now();
      delays.push(now - last);
      last = now;
    }
  };
  await Promise.all(Array.from({ length: lanes }, drive));
  return { units: delays.length, seconds: (performance.now() - begin) / 1_000, delays };
}

async function takeMuch(caller: Caller): Promise<Work> {
  const begin = performance.now();
  const size = await caller.big();
  if (size !== bigMebibytes * 2 ** 20) throw new Error(`of the big stream came ${size} bytes`);
  return { units: bigMebibytes, seconds: (performance.now() - begin) / 1_000 };
}

/** A client of the service, somewhere in front of it. */
class Caller {
  readonly #client: Client;
  readonly #metadata = new Metadata();

  constructor(port: number, { tokens }: Gateway) {
    const options: ChannelOptions = { "grpc.default_authority": applicationHost };
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
    this.#metadata.set("cf-access-token", tokens[0]);
  }

  close(): void {
    this.#client.close();
  }

  unary(): Promise<void> {
    const { path } = methods.unary;
    return new Promise((resolve, reject) => {
      const done = settle(resolve, reject);
      this.#client.makeUnaryRequest(path, asItIs, asItIs, small, this.#metadata, done);
    });
  }

  clientStream(): Promise<void> {
    const { path } = methods.clientStream;
    return new Promise((resolve, reject) => {
      const done = settle(resolve, reject);
      const call = this.#client.makeClientStreamRequest(path, asItIs, asItIs, this.#metadata, done);
      for (let count = 0; count < messages; count++) call.write(small);
      call.end();
    });
  }

  async serverStream(): Promise<void> {
    const { path } = methods.serverStream;
    const call = this.#client.makeServerStreamRequest(path, asItIs, asItIs, small, this.#metadata);
    let count = 0;
    for await (const _ of call) count++;
    if (count !== messages) throw new Error(`${count} of ${messages} messages came`);
  }

  /** The next message goes when the last one has come back. */
  async both(): Promise<void> {
    const { path } = methods.both;
    const call = this.#client.makeBidiStreamRequest(path, asItIs, asItIs, this.#metadata);
    let count = 0;
    call.write(small);
    for await (const _ of call) {
      count++;
      if (count < messages) call.write(small);
      else call.end();
    }
    if (count !== messages) throw new Error(`${count} of ${messages} echoes came`);
  }

  /** @returns how many bytes came */
  async big(): Promise<number> {
    const { path } = methods.big;
    const call = this.#client.makeServerStreamRequest(path, asItIs, asItIs, small, this.#metadata);
    let size = 0;
    for await (const bytes of call) size += bytes.length;
    return size;
  }
}

function settle(resolve: () => void, reject: (error: Error) => void) {
  return (error: Error | null) => {
    if (error === null) resolve();
    else reject(error);
  };
}
