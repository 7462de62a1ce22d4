// Service tokens as written → as compared: only the hash of a secret leaves (ADR 0007).
import { createHash } from "node:crypto";
import { defined } from "../defined.ts";
import type { ServiceToken } from "../model/model.ts";
import type { NamedObject, NamedObjects } from "./object-names.ts";
import { readShape } from "./read-shape.ts";
import type { Report } from "./report.ts";
import { serviceToken } from "./shapes.ts";

export function readServiceTokens({ all }: NamedObjects, report: Report): ServiceToken[] {
  const clients = new Map<string, NamedObject["path"]>();
  return all.flatMap(({ id, item, path }) => {
    const written = readShape(serviceToken, item, path, report);
    if (written === undefined) return [];
    const {
      name,
      client_id,
      client_secret: secret,
      client_secret_hash: hash,
      enabled,
      expires_at,
    } = written;
    const other = clients.get(client_id);
    if (other === undefined) clients.set(client_id, path);
    else
      report.problem(
        [...path, "client_id"],
        `is the client_id of service_tokens[${other[1]}] as well; choose another`,
        client_id,
      );
    if ((secret === undefined) === (hash === undefined)) {
      report.problem(path, "needs either client_secret or client_secret_hash, and not both");
    }
    // Case L11: nothing must never be what opens a door.
    if (secret?.trim() === "")
      report.problem([...path, "client_secret"], "is empty; write a secret that a machine made");
    return defined({
      id,
      name,
      client_id,
      client_secret_hash: hash ?? hashOf(secret ?? ""),
      enabled,
      expires_at,
    });
  });
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
