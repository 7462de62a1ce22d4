// A gateway with its admin API, and Cloudflare's own client pointed at it.
import type { TestContext } from "node:test";
import Cloudflare from "cloudflare";
import {
  type AdminFixture,
  startAdminFixture,
} from "../../../packages/gateway/test/admin/admin-fixture.ts";
import { startPostgres } from "../../support/postgres.ts";

export interface Conformance extends AdminFixture {
  client: Cloudflare;
  account_id: string;
}

/** Starts both, on the store that the run is about. */
export async function start(
  context: TestContext,
  sections: Record<string, unknown> = {},
): Promise<Conformance> {
  const fixture = await startAdminFixture(context, { ...(await storeOf(context)), ...sections });
  const client = new Cloudflare({
    apiToken: fixture.api.secret,
    baseURL: `${fixture.address}/client/v4`,
    timeout: 60_000,
  });
  return { ...fixture, client, account_id: fixture.accountId };
}

async function storeOf(context: TestContext): Promise<{ store?: string }> {
  if (process.env["POSTERN_CONFORMANCE_STORE"] !== "postgres") return {};
  const server = await startPostgres({ after: (end) => context.after(end) });
  return { store: `postgres://postgres@127.0.0.1:${server.port}/postgres` };
}
