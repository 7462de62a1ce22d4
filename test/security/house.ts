// What is attacked by each way in: applications in front of one origin that remembers everything it
// saw. Alice is an engineer; the public parts are open to everybody, /admin to Olga alone.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Parts } from "../../packages/gateway/src/compose.ts";
import type { Application } from "../../packages/gateway/src/model/model.ts";
import type { StoredSession } from "../../packages/gateway/src/storage/store.ts";
import {
  application,
  machines,
  only,
  open,
  robotPair,
  serviceTokens,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { simpleSections } from "../support/gateway.ts";
import type { Certificate } from "../support/tls.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import type { Door, WayIn } from "../support/ways-in.ts";

export const alice = "alice@example.com";
export const olga = "olga@example.com";
const eightHours = 8 * 36e5;

/** Who asks. Nobody has no credential; a robot is a service token; Alice says twice who she is. */
export type Who = "nobody" | "alice" | "alice twice" | "robot";

export interface House {
  way: WayIn;
  door: Door;
  upstream: Upstream;
  /** lines with which somebody asks this host; Alice has a token of each application there */
  credentials(who: Who, host: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const office = {
  name: "office",
  decision: "bypass",
  include: [{ ip: { ip: "10.0.0.0/8" } }],
};

const applications = [
  application("app", [only(alice)]),
  application("app/public", [open]),
  application("app/open/*/status", [open]),
  application("app/admin", [only(olga)]),
  application("app/office", [office]),
  application("app/machines", [machines]),
  application("app2", [only("bob@example.com")]),
  application("*.corp", [only(alice)]),
  application("preflight", [only(alice)], { options_preflight_bypass: true }),
  application("files", [open], { allow_encoded_slashes: true }),
  application("files/admin", [only(olga)]),
];

/** The whole house behind one way in. @param tls certificates, for a house that speaks TLS */
export async function openHouse(
  way: WayIn,
  sections: Record<string, unknown> = {},
  tls?: Certificate[],
): Promise<House> {
  const upstream = await startUpstream();
  const own = { ...simpleSections(upstream.origin), applications, service_tokens: serviceTokens };
  const door = await way.open({ ...own, ...sections }, tls);
  const tokens = new Map<string, Promise<string[]>>();
  return {
    way,
    door,
    upstream,
    async credentials(who, host) {
      if (who === "nobody") return [];
      if (who === "robot") return robotPair;
      const issued = tokens.get(host) ?? tokensOfAlice(door, host);
      tokens.set(host, issued);
      const [first = "", ...others] = await issued;
      if (who === "alice twice") return [`cf-access-token: ${first}`, `Cf-Access-Token: ${first}`];
      return [
        `Cookie: ${[first, ...others].map((token) => `CF_Authorization=${token}`).join("; ")}`,
      ];
    },
    async close() {
      await door.close();
      await upstream.close();
    },
  };
}

/** The same with a store in a file, and both for one test alone. */
export async function openHouseOnFile(context: TestContext, way: WayIn): Promise<[House, string]> {
  const folder = mkdtempSync(join(tmpdir(), "postern-house-"));
  const file = join(folder, "data", "postern.db");
  const house = await openHouse(way, { store: `sqlite:${file}` });
  context.after(async () => {
    await house.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return [house, file];
}

/** A session, made without a login. */
export function startSession(
  { gateway }: Door,
  email = alice,
  more: Partial<Parameters<Parts["sessions"]["start"]>[0]> = {},
): Promise<StoredSession> {
  return gateway.parts.sessions.start({
    kind: "browser",
    identity: identityOf(email),
    userAgent: "test",
    lifetimeMs: eightHours,
    ...more,
  });
}

/** A token of this session for the first application. */
export async function tokenOf({ gateway }: Door, session: StoredSession): Promise<string> {
  const { parts } = gateway;
  const [application] = parts.catalogs.current().applications;
  assert.ok(application !== undefined);
  return parts.tokens.issueApp(session, application, eightHours);
}

/** One for each application of a host, with what policy would never let Alice have. */
async function tokensOfAlice(door: Door, host: string): Promise<string[]> {
  const { parts } = door.gateway;
  const session = await startSession(door);
  const name = host.toLowerCase().replace(/(\.|:80)$/, "");
  const isThere = ({ domains: [domain = ""] }: Application) =>
    name === domain.split("/")[0] || (domain.startsWith("*") && name.endsWith(domain.slice(1)));
  const there = parts.catalogs.current().applications.filter(isThere);
  assert.ok(there.length > 0, host);
  return Promise.all(there.map((each) => parts.tokens.issueApp(session, each, eightHours)));
}
