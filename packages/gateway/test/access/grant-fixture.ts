// Grants on the data path, made as an approval makes them.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { CredentialScope } from "@postern/protocol";
import { type StartedGrant, startGrant } from "../../src/tokens/start-grant.ts";
import { type AccessFixture, ada, hour } from "./access-fixture.ts";

interface Wish extends CredentialScope {
  label?: string;
  lifetimeMs?: number;
  /** the address that it is for */
  htu?: string;
  email?: string;
}

/** A grant for an application, as a click on the approval page makes it. */
export async function grantFor(
  { fixture, application }: AccessFixture,
  name: string,
  wish: Wish = {},
): Promise<StartedGrant & { lines: string[] }> {
  const { label, lifetimeMs = hour, htu = `http://${name}.localhost/`, email = ada } = wish;
  const { methods, paths, count } = wish;
  const parent = await fixture.session("browser", email);
  const scope: CredentialScope = JSON.parse(JSON.stringify({ methods, paths, count }));
  const app = application(name);
  const started = await startGrant(
    { ...fixture.parts, randomBytes },
    { application: app, htu, scope, label, lifetimeMs, parent, userAgent: "a terminal" },
  );
  assert.equal(started.session.parent_id, parent.id);
  return { ...started, lines: [`cf-access-token: ${started.token}`] };
}
