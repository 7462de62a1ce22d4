// Service tokens: the credentials of programs. Of a secret only the hash is kept (ADR 0007).
import { z } from "zod";
import { defined } from "../defined.ts";
import { defineKind } from "./kind.ts";
import { hex64, identifier, objectName, refuse, text } from "./values.ts";

/** RFC 3339 → milliseconds since the epoch */
const moment = text((source) => {
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(source);
  const time = isMoment ? Date.parse(source) : Number.NaN;
  return Number.isNaN(time) ? refuse("is not a time; write it like 2027-01-31T00:00:00Z") : time;
});

const hash = hex64(
  "is not a SHA-256 in 64 lower-case hex characters; make it with: printf %s SECRET | sha256sum",
);

const fields = z.strictObject({
  id: identifier,
  name: objectName,
  client_id: identifier,
  client_secret: z.string().optional(),
  client_secret_hash: hash.optional(),
  enabled: z.boolean().default(true),
  expires_at: moment.optional(),
});

const stored = z
  .strictObject({
    id: identifier,
    name: objectName,
    client_id: identifier,
    /** SHA-256 of the secret, hex */
    client_secret_hash: hash,
    enabled: z.boolean(),
    /** milliseconds since the epoch; undefined never expires */
    expires_at: z.int().optional(),
  })
  .transform(defined);

/** A service token as it is stored and in force. */
export type ServiceToken = z.infer<typeof stored>;

/** Everything that makes a service token valid. */
export const serviceToken = defineKind({
  name: "service_token",
  noun: "service token",
  section: "service_tokens",
  naming: "unique",
  schema: fields,
  fields,
  stored,
  claims: ({ client_id }) => [claimOf(client_id)],
  check({ client_id, client_secret, client_secret_hash }, world, report) {
    const owner = world.ownerOf(claimOf(client_id));
    if (owner !== undefined)
      report.problem(
        ["client_id"],
        `is the client_id of ${owner} as well; choose another`,
        client_id,
      );
    if ((client_secret === undefined) === (client_secret_hash === undefined))
      report.problem(
        [],
        "needs either client_secret or client_secret_hash, and not both; add the one, or remove the other",
      );
    // Case L11: nothing must never be what opens a door.
    if (client_secret?.trim() === "")
      report.problem(["client_secret"], "is empty; write a secret that a machine made");
  },
  toObject({ id, name, client_id, client_secret, client_secret_hash, enabled, expires_at }, tools) {
    return defined({
      id,
      name,
      client_id,
      client_secret_hash: client_secret_hash ?? tools.hash(client_secret ?? ""),
      enabled,
      expires_at,
    });
  },
});

function claimOf(clientId: string): string {
  return `client_id ${clientId}`;
}
