// The MCP server behind the gateway, asked with the credential that is added here. A credential
// that the gateway refuses is renewed once; what goes wrong becomes a sentence for the agent.
import { endpoints } from "@postern/protocol/endpoints";
import { CliError } from "../exit-status.ts";
import type { KeptConnections, StreamedResponse } from "../net/http-stream.ts";
import type { CredentialSource } from "../sign-in/credential-source.ts";

export interface EndpointRequest {
  method: "GET" | "POST" | "DELETE";
  /** names in lower case */
  fields: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

export interface EndpointParts {
  url: URL;
  connections: KeptConnections;
  source: CredentialSource;
  /** what to do about a credential that the gateway does not take */
  remedy: string;
}

export class Endpoint {
  /** for messages; its query may hold a secret */
  readonly name: string;
  readonly #parts: EndpointParts;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
    this.name = `${parts.url.origin}${parts.url.pathname}`;
  }

  /** @throws {CliError} any code but usage: nothing came of it, and why */
  async ask(request: EndpointRequest): Promise<StreamedResponse> {
    const { url, source } = this.#parts;
    const { method } = request;
    const fields = await source.fieldsFor({ method, url });
    const response = await this.#send(request, fields);
    if (!isGatewayRefusal(response)) return response;
    response.breakOff();
    if (!(await source.refused(fields, { method, url }))) throw this.#notTaken();
    const second = await this.#send(request, await source.fieldsFor({ method, url }));
    if (!isGatewayRefusal(second)) return second;
    second.breakOff();
    throw this.#notTaken();
  }

  close(): void {
    this.#parts.connections.close();
  }

  #send({ method, fields, body, signal }: EndpointRequest, credential: Record<string, string>) {
    const { url, connections } = this.#parts;
    const headers = { ...fields, ...credential };
    const request = { method, url, headers, signal };
    return connections.send(body === undefined ? request : { ...request, body });
  }

  #notTaken(): CliError {
    const { url, remedy } = this.#parts;
    const fault = `the gateway at ${url.origin} does not take this credential`;
    return new CliError("not_signed_in", `${fault}; ${remedy}`);
  }
}

/** The gateway's way to say that nobody is signed in (wire-protocol 4), and Cloudflare's. */
function isGatewayRefusal({ status, headers }: StreamedResponse): boolean {
  const { location = "", "www-authenticate": challenge = "" } = headers;
  if (status === 401) return /^cloudflare-access\b/i.test(challenge);
  return status >= 300 && status < 400 && location.includes(endpoints.login);
}
