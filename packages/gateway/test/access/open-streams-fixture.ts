// Streams of every kind through a gateway, and whether they have ended.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { until } from "../../../../test/support/until.ts";
import { type AccessFixture, serviceTokens, startAccessFixture } from "./access-fixture.ts";
import { openStream, type StreamingOrigin, startStreamingOrigin } from "./streaming-origin.ts";
import type { Peer } from "./upgrade-fixture.ts";

export const streamKinds = ["websocket", "events", "grpc"];
export const allKinds = [...streamKinds, "download", "poll"];

export interface Scene {
  access: AccessFixture;
  origin: StreamingOrigin;
  /** Opens one of each kind, and waits until the origin has them. @param at host and query */
  openAll(
    kinds: readonly string[],
    name: string,
    lines: readonly string[],
    at?: { host?: string; query?: string },
  ): Promise<Map<string, Peer>>;
  /** puts other sections into force, beside the ingress */
  change(sections: Record<string, unknown>): Promise<void>;
}

export async function startScene(
  context: TestContext,
  applications: Record<string, unknown>[],
  sections: Record<string, unknown> = {},
): Promise<Scene> {
  const origin = await startStreamingOrigin(context);
  const ingress = [{ service: origin.origin }];
  const access = await startAccessFixture(context, applications, { ingress, ...sections });
  const { port } = access.fixture;
  return {
    access,
    origin,
    async openAll(kinds, name, lines, { host, query = "" } = {}) {
      const paths = kinds.map((kind) => `/${kind}/${name}`);
      const peers = paths.map((path) => openStream(context, port, path + query, lines, host));
      await until(() => paths.every((path) => origin.open.has(path)));
      const streams = new Map(kinds.map((kind, index) => [kind, peers[index] as Peer]));
      await until(() =>
        [...streams].every(([kind, { received }]) => kind === "poll" || /first;/.test(received)),
      );
      return streams;
    },
    change: (more) =>
      access.fixture.change({ applications, service_tokens: serviceTokens, ingress, ...more }),
  };
}

export const header = (token: string) => [`cf-access-token: ${token}`];

/** Waits until each has ended at both of its ends, and asserts that its client saw a cut. */
export async function ended(
  { origin }: Scene,
  streams: ReadonlyMap<string, Peer>,
  name: string,
): Promise<void> {
  for (const [kind, peer] of streams) {
    await until(() => peer.closed || peer.ended);
    await until(() => !origin.open.has(`/${kind}/${name}`));
    assert.doesNotMatch(peer.received, /\r\n0\r\n/, `${kind} seemed to be complete`);
  }
}

/** Asserts that these go on: what the origin sends now arrives. */
export async function goOn(
  { origin }: Scene,
  streams: ReadonlyMap<string, Peer>,
  text: string,
): Promise<void> {
  origin.publish(text);
  await arrives(streams, text);
}

export async function arrives(streams: ReadonlyMap<string, Peer>, text: string): Promise<void> {
  for (const [kind, peer] of streams) {
    if (kind === "poll") assert.equal(peer.closed || peer.ended, false, kind);
    else await until(() => peer.received.includes(text));
  }
}
