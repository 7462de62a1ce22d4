// The keys that sign tokens: how often another one takes over, and a rotation at once (access-api
// 2.3).
import { z } from "zod";
import { keyRotationDays, setKeyRotationDays } from "../../tokens/key-rotation-interval.ts";
import type { AdminParts } from "../admin-parts.ts";
import { audit } from "../audit.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";

const path = "/access/keys";
const day = 24 * 60 * 60_000;
const interval = z.looseObject({ key_rotation_interval_days: z.int().min(21).max(365) });

/** The routes of keys. */
export function keyRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path, permission: "apps:read" },
      summary: "Read when the signing key is rotated",
      handle: async () => succeed(await showKeys(parts)),
    },
    {
      ...{ method: "PUT", path, permission: "apps:write", body: interval },
      summary: "Say how often the signing key is rotated",
      handle: (call) => setInterval(call, parts),
    },
    {
      ...{ method: "POST", path: `${path}/rotate`, permission: "apps:write" },
      summary: "Rotate the signing key now",
      handle: (call) => rotate(call, parts),
    },
  ];
}

async function setInterval(call: Call, parts: AdminParts): Promise<Answer> {
  if (call.token.applications !== null) return fail("not_permitted");
  const reading = interval.safeParse(call.body);
  if (!reading.success)
    return fail(
      "invalid",
      "key_rotation_interval_days must be a whole number from 21 to 365.",
      "/key_rotation_interval_days",
    );
  const before = await showKeys(parts);
  await setKeyRotationDays(parts.store, reading.data.key_rotation_interval_days);
  const after = await showKeys(parts);
  await audit(call, { action: "updated", ...names, before, after }, parts);
  return succeed(after);
}

async function rotate(call: Call, parts: AdminParts): Promise<Answer> {
  if (call.token.applications !== null) return fail("not_permitted");
  const { before, now: after } = await parts.tokens.rotateKeys();
  await audit(call, { action: "rotated", ...names, before, after }, parts);
  return succeed(await showKeys(parts));
}

const names = { kind: "keys", id: "keys", name: "signing keys" };

async function showKeys({ store, config, now }: AdminParts): Promise<object> {
  const days = await keyRotationDays(store, config.key_rotation_interval_days);
  const current = (await store.keys.all()).find(({ state }) => state === "current");
  const rotatedAt = current?.activated_at ?? now();
  return {
    key_rotation_interval_days: days,
    days_until_next_rotation: Math.max(0, Math.ceil((rotatedAt + days * day - now()) / day)),
    last_key_rotation_at: new Date(rotatedAt).toISOString(),
  };
}
