/** How the gateway is started. */
export interface TestGatewayOptions {
  /** name → URL of an application of yours, served at `http://<name>.localhost:<port>` */
  applications?: Readonly<Record<string, string>>;
  /** default: one that is free */
  port?: number;
}

/** A token of the gateway, and what stands in it. */
export interface TestToken {
  /** for the header field `cf-access-token` */
  token: string;
  claims: Readonly<Record<string, unknown>>;
}

/** A gateway for tests: `postern dev`, with its keys, its pages and its policies. */
export interface TestGateway {
  port: number;
  /** `http://` and the team domain: the `iss` of its tokens */
  issuer: string;
  /** where an application is served; `echo` is a sample that answers with what reached it */
  origin(name: string): string;
  /**
   * Signs somebody in to the application, with a session of their own.
   * @throws {Error} when there is no such application, or policy does not let them in
   */
  tokenFor(name: string, email: string): Promise<TestToken>;
  /** Ends it; nothing is kept. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway on this machine. It needs the package `@postern/gateway` beside `postern`.
 * @throws {Error} when it cannot be started, with what it said
 */
export function startTestGateway(options?: TestGatewayOptions): Promise<TestGateway>;
