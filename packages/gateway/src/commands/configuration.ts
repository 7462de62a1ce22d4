// `export`, `import`, `apply` and `diff FILE`, on what a command has.
import type { Output } from "../command-call.ts";
import { ConfigurationCommands } from "../configuration-commands.ts";
import type { Command, World } from "./command.ts";
import { withStore } from "./store-in-use.ts";

/** `export` */
export const exportObjects: Command = (call, world) =>
  commandsIn(world).export(call, outputOf(world));

/** `import cloudflare` */
export const importAccount: Command = (call, world) =>
  commandsIn(world).import(call, outputOf(world));

/** `apply FILE` */
export const applyFile: Command = (call, world) => commandsIn(world).apply(call, outputOf(world));

/** `diff FILE` */
export const diffFile: Command = (call, world) => commandsIn(world).diff(call, outputOf(world));

function commandsIn(world: World): ConfigurationCommands {
  const { environment, randomBytes, now } = world;
  return new ConfigurationCommands({
    ...{ environment, randomBytes, now },
    withStore: (file, use) => withStore(file, world, use),
  });
}

/** What is said beside the answer begins as errors do. */
function outputOf({ tell, print }: World): Output {
  return { tell: (line) => tell(`postern: ${line}`), print };
}
