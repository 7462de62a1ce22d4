// A gateway with its admin API on a listener of its own, and programs that use it with tokens.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { freePort, startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import { noteSecrets } from "../../../../test/support/run-secrets.ts";
import { startUpstream, type Upstream } from "../../../../test/support/upstream.ts";
import { allPermissions, type Permission } from "../../src/admin/permissions.ts";
import { createAdminToken } from "../../src/admin/tokens/admin-tokens.ts";
import { defined } from "../../src/defined.ts";

/** What the API answers: the envelope, with the status and the headers beside. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  success: boolean;
  errors: { code: number; message: string; source?: { pointer: string } }[];
  messages: { code: number; message: string }[];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever an answer holds
  result: any;
  result_info?: Record<string, number>;
}

/** A program with one token. */
export interface ApiClient {
  secret: string;
  get(path: string): Promise<ApiAnswer>;
  post(path: string, body?: unknown): Promise<ApiAnswer>;
  put(path: string, body?: unknown): Promise<ApiAnswer>;
  patch(path: string, body?: unknown): Promise<ApiAnswer>;
  delete(path: string): Promise<ApiAnswer>;
}

export interface AdminFixture {
  gateway: TestGateway;
  upstream: Upstream;
  /** where the admin API listens: `http://127.0.0.1:port` */
  address: string;
  adminPort: number;
  accountId: string;
  /** may do everything */
  api: ApiClient;
  /** a program with these permissions, for these applications alone where some are named */
  clientWith(permissions: readonly Permission[], applications?: string[]): Promise<ApiClient>;
  /** an answer outside of the account */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/**
 * Starts it.
 * @param sections of the file, beside those that every test needs
 * @param secretKey that of another gateway of the same store
 */
export async function startAdminFixture(
  context: TestContext,
  sections: Record<string, unknown> = {},
  secretKey?: Buffer,
): Promise<AdminFixture> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const adminPort = await freePort();
  const gateway = await startGateway({
    ...defined({ secretKey }),
    sections: {
      admin: { listen: `127.0.0.1:${adminPort}` },
      identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
      ingress: [{ service: upstream.origin }],
      applications: [],
      ...sections,
    },
  });
  context.after(() => gateway.close());
  const address = `http://127.0.0.1:${adminPort}`;
  const accountId = await gateway.parts.store.settings.get("account_id", "not made yet");
  const base = `${address}/client/v4/accounts/${accountId}`;
  const clientWith: AdminFixture["clientWith"] = async (permissions, applications) => {
    const wish = { name: "test", permissions, applications };
    const { secret } = await createAdminToken(wish, gateway.parts);
    noteSecrets(secret);
    return clientOf(base, secret);
  };
  return {
    gateway,
    upstream,
    address,
    adminPort,
    accountId,
    api: await clientWith(allPermissions),
    clientWith,
    ask: (path, init) => fetch(address + path, init),
  };
}

/** A program with this token. @param base address of the account */
export function clientOf(base: string, secret: string): ApiClient {
  const send = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const headers: Record<string, string> = { authorization: `Bearer ${secret}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(base + path, { method, headers, body: JSON.stringify(body) });
    return readAnswer(answer);
  };
  return {
    secret,
    get: (path) => send("GET", path),
    post: (path, body) => send("POST", path, body),
    put: (path, body) => send("PUT", path, body),
    patch: (path, body) => send("PATCH", path, body),
    delete: (path) => send("DELETE", path),
  };
}

/** Reads the envelope, all of whose keys must be there. */
export async function readAnswer(answer: Response): Promise<ApiAnswer> {
  const body = (await answer.json()) as Omit<ApiAnswer, "status" | "headers">;
  for (const key of ["success", "errors", "messages", "result"])
    assert.ok(key in body, `the envelope has ${key}`);
  return { status: answer.status, headers: answer.headers, ...body };
}

/** The result of an answer that must be of this status. */
export function resultOf({ status, errors, result }: ApiAnswer, wanted = 200): ApiAnswer["result"] {
  assert.equal(status, wanted, JSON.stringify(errors));
  return result;
}
