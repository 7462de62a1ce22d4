// The service of bench/streams/grpc.ts: four kinds of call that answer with what they were sent,
// and one that sends much.

import {
  type sendUnaryData as Answer,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import type { Stage } from "../stage.ts";

/** of a call that streams */
export const messages = 20;
export const small = Buffer.alloc(100, "x");

export const bigMebibytes = 256;
const piece = Buffer.alloc(65_536, "x");
const pieces = (bigMebibytes * 2 ** 20) / piece.length;

/** Messages are bytes: nothing is serialized. */
export const asItIs = (bytes: Buffer) => bytes;

export const methods = {
  unary: method("Unary", false, false),
  clientStream: method("ClientStream", true, false),
  serverStream: method("ServerStream", false, true),
  both: method("Both", true, true),
  big: method("Big", false, true),
} satisfies ServiceDefinition;

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/bench.Service/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
}

/** @returns the port of the service, which speaks HTTP/2 without TLS */
export async function startService(stage: Stage): Promise<number> {
  const server = new Server();
  server.addService(methods, { unary, clientStream, serverStream, both, big });
  stage.onEnd(() => server.forceShutdown());
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error === null) resolve(port);
    else reject(error);
  });
  return promise;
}

function unary(call: ServerUnaryCall<Buffer, Buffer>, answer: Answer<Buffer>): void {
  answer(null, call.request);
}

function clientStream(call: ServerReadableStream<Buffer, Buffer>, answer: Answer<Buffer>): void {
  call.on("data", () => undefined).on("end", () => answer(null, small));
}

function serverStream(call: ServerWritableStream<Buffer, Buffer>): void {
  for (let count = 0; count < messages; count++) call.write(small);
  call.end();
}

function both(call: ServerDuplexStream<Buffer, Buffer>): void {
  call.on("data", (bytes: Buffer) => call.write(bytes)).on("end", () => call.end());
}

async function big(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  for (let count = 0; count < pieces && !call.destroyed; count++) {
    if (!call.write(piece)) await drained(call);
  }
  call.end();
}

function drained(call: ServerWritableStream<Buffer, Buffer>): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      call.off("drain", go).off("close", go);
      resolve();
    };
    call.once("drain", go).once("close", go);
  });
}
