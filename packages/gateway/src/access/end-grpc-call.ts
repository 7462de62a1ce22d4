import type { Exchange } from "../http/transport.ts";
import type { StreamEnd } from "./open-streams.ts";

const unauthenticated = "16";
const permissionDenied = "7";
const unavailable = "14";

/** Statuses of gRPC, and a message without what `grpc-message` would have to escape. */
const ends: Record<StreamEnd, { code: string; message: string }> = {
  session_ended: { code: unauthenticated, message: "the session has ended" },
  expired: { code: unauthenticated, message: "the session or the credential has expired" },
  access_removed: { code: permissionDenied, message: "policy does not allow the call any more" },
  store_unavailable: { code: unavailable, message: "the gateway cannot check who may call" },
  gateway_ending: { code: unavailable, message: "the gateway is ending" },
};

/**
 * Ends a call under way over HTTP/2 with a status of gRPC, which goes into trailers: after what its
 * client has got, or in place of an answer.
 */
export function endGrpcCall({ response }: Exchange, reason: StreamEnd): void {
  const { code, message } = ends[reason];
  const status = ["grpc-status", code, "grpc-message", message];
  if (response.started) {
    response.end(undefined, status);
    return;
  }
  response.start({ status: 200, rawHeaders: ["Content-Type", "application/grpc", ...status] });
  response.end();
}
