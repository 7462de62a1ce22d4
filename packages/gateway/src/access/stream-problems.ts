// What is wrong with a request to a service that carries bytes (wire-protocol 10), in words: before
// the upgrade a client shows an answer, and after it there is only the close frame.

import { closeCodes } from "@postern/protocol/websocket-frames";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { IngressService } from "../model/ingress-service.ts";
import { isOfficialClientServed } from "./answers.ts";
import type { DestinationChoice } from "./choose-destination.ts";
import type { StreamEnd } from "./open-streams.ts";
import type { Problem } from "./problems.ts";

/** Why no stream begins though policy lets it. */
export type StreamFault = "no_websocket" | Extract<DestinationChoice, { ok: false }>["fault"];

const headerName = "Cf-Access-Jump-Destination";

/** What the answer says. */
export function streamProblem(
  fault: StreamFault,
  service: IngressService,
  facts: RequestFacts,
): Problem {
  const problem = (status: number, heading: string, message: string): Problem => ({
    status,
    error: fault,
    heading,
    message,
  });
  switch (fault) {
    case "no_websocket":
      return {
        ...problem(426, "This address has no pages", howToConnect(service, facts)),
        headers: { Upgrade: "websocket" },
      };
    case "no_destination":
      return problem(
        400,
        "This connection leads nowhere",
        `The address is a bastion, which must be told where to connect. Name it as ${headerName}: host:port, which cloudflared access calls --destination.`,
      );
    case "bad_destination":
      return problem(
        400,
        "This connection leads nowhere",
        `${headerName} must be there once and hold host:port: a name or an address, and a port from 1 to 65535.`,
      );
    case "unlisted_destination":
      return {
        ...problem(
          403,
          "This destination is not allowed",
          "The bastion may not be used for this destination. If it should be, ask the people who run this gateway to list it (bastionDestinations), and give them the ray ID.",
        ),
        isRefusal: true,
      };
  }
}

/** Names the official client only where its current release works (docs/cloudflared.md). */
function howToConnect(service: IngressService, { host, catalog }: RequestFacts): string {
  const scheme = service.kind === "stream" ? service.scheme : "tcp";
  const carried = `This address carries ${scheme.toUpperCase()} over WebSocket, for programs.`;
  if (!isOfficialClientServed(catalog))
    return `${carried} Connect with a client for it, which sends its token as cf-access-token.`;
  const client = `cloudflared access ${scheme} --hostname ${host}`;
  if (scheme === "ssh") return `${carried} Connect with: ssh -o ProxyCommand="${client}" ${host}`;
  return `${carried} Connect with: ${client} --url localhost:PORT, and your program to that port.`;
}

/** Code and reason of the close frame of a stream that is ended. */
export const streamEnds: Record<StreamEnd, [code: number, reason: string]> = {
  session_ended: [closeCodes.policy, "Your session has ended. Sign in again"],
  expired: [closeCodes.policy, "Your session has expired. Sign in again"],
  access_removed: [closeCodes.policy, "You may not use this application any more"],
  store_unavailable: [closeCodes.fault, "The gateway cannot check who may be here"],
  gateway_ending: [closeCodes.goingAway, "The gateway is shutting down. Connect again"],
};
