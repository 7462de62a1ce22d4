// Two gateways of one store, each a process as an operator starts it, with streams of people and
// programs open at both; and the test itself, which is a third process of the store: it begins the
// sessions.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { StoredSession } from "../../packages/gateway/src/storage/store.ts";
import { startGrant } from "../../packages/gateway/src/tokens/start-grant.ts";
import {
  openStream,
  startStreamingOrigin,
} from "../../packages/gateway/test/access/streaming-origin.ts";
import type { Peer } from "../../packages/gateway/test/access/upgrade-fixture.ts";
import { clientOf } from "../../packages/gateway/test/admin/admin-fixture.ts";
import { identityOf } from "../../packages/gateway/test/tokens/token-fixture.ts";
import { runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { startGateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw-request.ts";
import { noteSecrets } from "../support/run-secrets.ts";
import { startTcpService } from "../support/tcp-service.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";

const hour = 60 * 60_000;

/** Who holds a credential. */
export interface Holder {
  /** of a request's head */
  lines: readonly string[];
  session?: StoredSession;
}

export type Revocation = Awaited<ReturnType<typeof startRevocation>>;

/** @param store as `store` of a configuration; undefined: a file of SQLite */
export async function startRevocation(context: TestContext, store: string | undefined) {
  const folder = temporaryHome(context);
  const origin = await startStreamingOrigin(context);
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const tcp = await startTcpService(context);
  const teamPort = await freePort();
  const secretKey = randomBytes(32);
  const keyFile = join(folder, "secret.key");
  writeFileSync(keyFile, secretKey.toString("hex"), { mode: 0o600 });
  const everyone = [
    { name: "people", decision: "allow", include: [{ everyone: {} }] },
    { name: "programs", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
  ];
  const shared = {
    store: store ?? `sqlite:${join(folder, "postern.db")}`,
    auth_domain: `login.localhost:${teamPort}`,
    public_ports: [teamPort],
    secret_key_file: keyFile,
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    ingress: [
      { hostname: "tcp.localhost", service: `tcp://${tcp.address}` },
      { path: "/websocket", service: origin.origin },
      { path: "/events", service: origin.origin },
      { service: upstream.origin },
    ],
    applications: ["app", "tcp", "other"].map((name) => ({
      ...{ name, domain: `${name}.localhost`, policies: everyone },
    })),
  };
  const own = await startGateway({ sections: shared, secretKey });
  context.after(() => own.close());
  const gateways: { port: number; adminPort: number; file: string }[] = [];
  for (const name of ["one", "two"]) {
    const port = await freePort();
    const adminPort = await freePort();
    const file = join(folder, `${name}.yaml`);
    const admin = { listen: `127.0.0.1:${adminPort}` };
    writeFileSync(file, JSON.stringify({ ...shared, listen: `127.0.0.1:${port}`, admin }));
    const running = startPostern(["gateway", "--config", file], {});
    context.after(async () => {
      running.child.kill("SIGKILL");
      await running.ended;
    });
    await running.until(/the gateway is up/);
    gateways.push({ port, adminPort, file });
  }
  const [first] = gateways;
  assert.ok(first !== undefined);
  const { parts } = own;
  const postern = async (...args: string[]) => {
    const { status, stdout, stderr } = await runPostern([...args, "--config", first.file], {});
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const secret = (await postern("admin-token", "create", "test", "--permission", "all")).trim();
  noteSecrets(secret);
  const account = await parts.store.settings.get("account_id", "not made yet");
  const api = clientOf(`http://127.0.0.1:${first.adminPort}/client/v4/accounts/${account}`, secret);
  const applicationOf = (name: string) => {
    const found = parts.catalogs.current().applications.find((each) => each.name === name);
    assert.ok(found !== undefined);
    return found;
  };
  const hostOf = (name: string) => `${name}.localhost:${teamPort}`;
  const statuses = async ({ lines }: Holder, name = "app") => {
    const answers = gateways.map(({ port }) =>
      rawRequest(port, "GET / HTTP/1.1", [`Host: ${hostOf(name)}`, ...lines]),
    );
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  let streamCount = 0;
  return {
    gateways,
    api,
    postern,
    upstream,
    applicationOf,
    begin: (email: string) =>
      parts.sessions.start({
        ...{ kind: "browser", identity: identityOf(email), userAgent: "test", lifetimeMs: hour },
      }),
    /** a person's token of an application */
    async holderOf(session: StoredSession, name = "app"): Promise<Holder> {
      const token = await parts.tokens.issueApp(session, applicationOf(name), hour);
      return { lines: [`cf-access-token: ${token}`], session };
    },
    async lend(parent: StoredSession): Promise<Holder & { id: string }> {
      const { grant, token, session } = await startGrant(
        { ...parts, randomBytes },
        {
          ...{ application: applicationOf("app"), htu: `http://${hostOf("app")}/`, scope: {} },
          ...{ label: undefined, lifetimeMs: hour, parent, userAgent: "test" },
        },
      );
      return { lines: [`cf-access-token: ${token}`], session, id: grant.id };
    },
    /** of the API, good at both gateways */
    async serviceToken(name: string): Promise<Holder & { id: string; name: string }> {
      const { result } = await api.post("/access/service_tokens", { name });
      noteSecrets(result.client_secret);
      const lines = [
        `CF-Access-Client-Id: ${result.client_id}`,
        `CF-Access-Client-Secret: ${result.client_secret}`,
      ];
      await until(async () => (await statuses({ lines })).every((status) => status === 200));
      return { lines, id: result.id, name };
    },
    statuses,
    /** a WebSocket and an event stream at both gateways, and a stream of bytes where it is asked */
    async streams({ lines }: Holder, bytes?: Holder): Promise<Peer[]> {
      const all: Peer[] = [];
      for (const { port } of gateways) {
        for (const kind of ["websocket", "events"]) {
          const path = `/${kind}/${streamCount++}`;
          const peer = openStream(context, port, path, lines, hostOf("app"));
          await until(() => peer.received.includes("first;") && origin.open.has(path));
          all.push(peer);
        }
        if (bytes === undefined) continue;
        const reached = tcp.sockets.length;
        const peer = openStream(context, port, "/websocket/", bytes.lines, hostOf("tcp"));
        await until(() => peer.received.includes("101") && tcp.sockets.length > reached);
        all.push(peer);
      }
      assert.ok(all.every((peer) => !isOver(peer)));
      return all;
    },
    /** both gateways have ended the streams and refuse the holder; the origin sees nothing more */
    async isOver(streams: readonly Peer[], holder: Holder, name = "app"): Promise<void> {
      await until(() => streams.every(isOver));
      await until(async () => (await statuses(holder, name)).every((status) => status === 401));
      upstream.reset();
      assert.deepEqual(await statuses(holder, name), [401, 401]);
      assert.equal(upstream.requests.length, 0, "the origin saw it");
    },
  };
}

export function isOver({ closed, ended }: Peer): boolean {
  return closed || ended;
}
