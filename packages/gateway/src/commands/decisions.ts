// `access explain`, `diff --access` and `replay`: what their flags say.
import {
  type CommandCall,
  configIn,
  isOn,
  refuseArguments,
  refuseFile,
  valueIn,
  valuesIn,
} from "../command-call.ts";
import { DecisionCommands } from "../decision-commands.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../usage-error.ts";
import type { Command, World } from "./command.ts";
import { readConfig, withStore } from "./store-in-use.ts";

/** `access explain URL`, or of what was recorded `access explain --ray ID` */
export const explain: Command = async (call, world) => {
  const [url, ...others] = call.args;
  const ray = valueIn(call, "ray");
  refuseArguments(others, "access explain URL");
  if ((url === undefined) === (ray === undefined))
    throw new UsageError(`explain takes one URL, or --ray; for example: ${call.example}`);
  const config = configIn(call, "access explain URL");
  const isJson = isOn(call, "json");
  const isInForce = isOn(call, "in-force");
  const decisions = decisionsIn(world);
  const text =
    ray === undefined
      ? decisions.explainAccess({ config, asked: askedFacts(url ?? "", call), isJson, isInForce })
      : decisions.explainRay({ config, ray, isJson });
  world.print(await text);
};

function askedFacts(url: string, call: CommandCall) {
  return {
    url,
    method: valueIn(call, "method") ?? "GET",
    groups: valuesIn(call, "group"),
    claims: valuesIn(call, "claim"),
    authMethods: valuesIn(call, "auth-method"),
    ...defined({
      email: valueIn(call, "as"),
      loginMethod: valueIn(call, "login-method"),
      serviceToken: valueIn(call, "service-token"),
      ip: valueIn(call, "ip"),
      country: valueIn(call, "country"),
    }),
  };
}

/** `diff --access` */
export const diffAccess: Command = async (call, world) => {
  refuseFile(call, "diff --access");
  refuseArguments(call.args, "diff");
  const config = configIn(call, "diff --access");
  const from = valueIn(call, "from");
  const isJson = isOn(call, "json");
  world.print(await decisionsIn(world).diffAccess({ config, ...defined({ from }), isJson }));
};

/** `replay` */
export const replay: Command = async (call, world) => {
  refuseFile(call, "replay");
  refuseArguments(call.args, "replay");
  const config = configIn(call);
  const policies = valueIn(call, "policies") ?? config;
  const since = valueIn(call, "since") ?? "30d";
  const isJson = isOn(call, "json");
  world.print(await decisionsIn(world).replayAccess({ config, policies, since, isJson }));
};

function decisionsIn(world: World): DecisionCommands {
  return new DecisionCommands({
    readConfig: (file) => readConfig(file, world),
    withStore: (file, use) => withStore(file, world, use),
    now: world.now,
  });
}
