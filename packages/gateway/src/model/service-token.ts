// Service tokens: the credentials of programs. Of a secret only the hash is kept (ADR 0007).
import { parseDuration } from "@postern/protocol";
import { z } from "zod";
import { defined } from "../defined.ts";
import { defineKind } from "./kind.ts";
import { isMistyped } from "./service-secret.ts";
import { hex64, identifier, objectName, refuse, text } from "./values.ts";

/** RFC 3339 → milliseconds since the epoch */
export const moment = text((source) => {
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(source);
  const time = isMoment ? Date.parse(source) : Number.NaN;
  return Number.isNaN(time) ? refuse("is not a time; write it like 2027-01-31T00:00:00Z") : time;
});

const hash = hex64(
  "is not a SHA-256 in 64 lower-case hex characters; make it with: printf %s SECRET | sha256sum",
);

const longestDuration = 100 * 365 * 24 * 36e5;

/** How long a token holds from its making or its last update on; a Go duration, or `forever`. */
const tokenDuration = text((source) => {
  if (source === "forever") return source;
  let length = 0;
  try {
    length = parseDuration(source);
  } catch {
    refuse("is not a duration; write it like 8760h, or forever");
  }
  if (length < 60_000) refuse("is shorter than a minute; write it like 8760h, or forever");
  if (length > longestDuration) refuse("is longer than a hundred years; write forever");
  return source;
});

const version = z.int().min(1);

const fields = z.strictObject({
  id: identifier,
  name: objectName,
  client_id: identifier,
  client_secret: z.string().optional(),
  client_secret_hash: hash.optional(),
  client_secret_version: version.optional(),
  previous_client_secret_hash: hash.optional(),
  previous_client_secret_expires_at: moment.optional(),
  duration: tokenDuration.optional(),
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
    /** counts the secrets that the API has made; undefined: 1 */
    client_secret_version: version.optional(),
    /** SHA-256 of the secret before, which holds beside the new one for a while */
    previous_client_secret_hash: hash.optional(),
    /** milliseconds since the epoch */
    previous_client_secret_expires_at: z.int().optional(),
    /** what `expires_at` was made from */
    duration: tokenDuration.optional(),
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
  check(input, world, report) {
    const { client_id, client_secret, client_secret_hash } = input;
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
    if (isMistyped(client_secret ?? ""))
      report.problem(["client_secret"], "has a wrong checksum; copy the whole secret again");
    const { previous_client_secret_hash: previous, previous_client_secret_expires_at: until } =
      input;
    if ((previous === undefined) !== (until === undefined))
      report.problem(
        [],
        "needs previous_client_secret_hash and previous_client_secret_expires_at together; add the other one, or remove both",
      );
  },
  toObject({ client_secret, client_secret_hash, ...token }, tools) {
    return defined({
      ...token,
      client_secret_hash: client_secret_hash ?? tools.hash(client_secret ?? ""),
    });
  },
  toInput({
    client_secret_hash: _hash,
    previous_client_secret_hash: _before,
    previous_client_secret_expires_at: _end,
    expires_at,
    ...token
  }) {
    const ending = expires_at === undefined ? undefined : new Date(expires_at).toISOString();
    return defined({ ...token, expires_at: ending });
  },
});

function claimOf(clientId: string): string {
  return `client_id ${clientId}`;
}
