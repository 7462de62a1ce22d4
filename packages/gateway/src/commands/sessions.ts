// `sessions list` and `revoke`: what the flags say, and what is printed. What people are shown
// comes from browsers and terminals: it is escaped here.
import { printable, printableJson } from "@postern/protocol/printable";
import { table } from "@postern/protocol/table";
import * as sessions from "../admin/session-commands.ts";
import { type CommandCall, configIn, isOn, refuseArguments, valueIn } from "../command-call.ts";
import type { Command, World } from "./command.ts";
import { type StoreInUse, withStore } from "./store-in-use.ts";

/** `sessions list` */
export const listSessions: Command = async (call, world) => {
  refuseArguments(call.args, "sessions list");
  const config = configIn(call);
  const wish = { ...whoseIn(call), kind: valueIn(call, "kind"), limit: valueIn(call, "limit") };
  const { json, rows, remark } = await withStore(config, world, (parts) =>
    sessions.listSessions(wish, partsOf(parts, world)),
  );
  if (isOn(call, "json")) world.print(`${printableJson(json)}\n`);
  else world.print(table(rows.map((row) => row.map(printable))));
  if (remark !== undefined) world.tell(printable(remark));
};

/** `sessions revoke` */
export const revokeSessions: Command = async (call, world) => {
  const [id, ...others] = call.args;
  refuseArguments(others, "sessions revoke");
  const config = configIn(call);
  const wish = { ...whoseIn(call), id };
  const { json, text } = await withStore(config, world, (parts) =>
    sessions.revokeSessions(wish, partsOf(parts, world)),
  );
  world.print(`${isOn(call, "json") ? printableJson(json) : printable(text)}\n`);
};

function whoseIn(call: CommandCall) {
  return { person: valueIn(call, "person"), application: valueIn(call, "application") };
}

function partsOf({ store, catalogs }: StoreInUse, { randomBytes, now }: World) {
  return { store, catalog: catalogs.current(), randomBytes, now };
}
