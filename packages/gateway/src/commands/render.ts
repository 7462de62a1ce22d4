import { configIn, isOn, refuseArguments } from "../command-call.ts";
import { isProxyName, proxyNames, renderProxy } from "../render/render-proxy.ts";
import { UsageError } from "../usage-error.ts";
import type { Command } from "./command.ts";
import { readConfig } from "./store-in-use.ts";

/** `render PROXY`: the configuration of a proxy that asks this gateway. */
export const render: Command = async (call, world) => {
  const [proxy, ...others] = call.args;
  if (proxy === undefined || !isProxyName(proxy))
    throw new UsageError(
      `render takes the name of a proxy: ${proxyNames.join(", ")}; for example: ${call.example}`,
    );
  refuseArguments(others, `render ${proxy}`);
  const config = readConfig(configIn(call, `render ${proxy}`), world);
  const acceptsCredential = isOn(call, "accept-credential-at-origin");
  world.print(renderProxy(config, proxy, { luaFile: world.luaFile, acceptsCredential }));
};
