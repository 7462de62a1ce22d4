// `access list --grants`: what the person has lent, as the gateways say that they are signed in to.

import { printable, printableJson } from "@postern/protocol/printable";
import { table } from "@postern/protocol/table";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { type ListedGrant, listGrants } from "../../gateway-client/grants.ts";
import { usableTokens } from "../../sign-in/usable-tokens.ts";
import { writeOutput } from "../../standard-output.ts";
import type { StoredToken } from "../../store/token-store.ts";

/** @returns the exit status */
export async function runListGrants(context: Context, asJson: boolean): Promise<number> {
  const tokens = usableTokens(context);
  const grants = await allGrants(context, tokens);
  if (asJson) {
    writeOutput(`${printableJson(grants)}\n`);
    return 0;
  }
  if (tokens.length === 0) context.tell("Not signed in anywhere: no gateway was asked.");
  else if (grants.length === 0)
    context.tell("No grants. Make one with: postern access grant https://api.example.com");
  writeOutput(table(grants.map(row)));
  return 0;
}

/** Each once: several hosts of one application know the same. */
async function allGrants(context: Context, tokens: readonly StoredToken[]): Promise<ListedGrant[]> {
  const lists = await Promise.all(tokens.map((token) => grantsAt(context, token)));
  return [...new Map(lists.flat().map((grant) => [grant.id, grant])).values()];
}

/** A gateway that cannot be asked must not hide the others' grants. */
async function grantsAt(context: Context, stored: StoredToken): Promise<ListedGrant[]> {
  try {
    return (await listGrants(context, stored)) ?? [];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    context.tell(`postern: ${error.message}`);
    return [];
  }
}

function row(grant: ListedGrant): string[] {
  const { id, label = "-", url, methods, paths, expires_at } = grant;
  const what = [(methods ?? ["every method"]).join(","), (paths ?? ["every path"]).join(" ")];
  return [id, label, url, ...what, usesOf(grant), `until ${expires_at}`].map(printable);
}

function usesOf({ count, uses_left }: ListedGrant): string {
  return count === undefined ? "any number" : `${uses_left ?? 0} of ${count} left`;
}
