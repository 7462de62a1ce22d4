import { isLoopbackHost } from "@postern/protocol/host";
import type { AppUrl } from "../app-url.ts";

const proxyNames = ["http_proxy", "https_proxy", "all_proxy"];
/** This machine's own names, as `NO_PROXY` lists them. */
export const exemptNames = "localhost,127.0.0.1,::1";

/**
 * The environment for a tool that will ask this machine: no proxy stands between a machine and
 * itself.
 * @param apps what the tool will ask
 */
export function loopbackEnvironment(
  environment: NodeJS.ProcessEnv,
  apps: AppUrl[],
): NodeJS.ProcessEnv {
  const isProxied = Object.entries(environment).some(
    ([name, value]) => proxyNames.includes(name.toLowerCase()) && value !== "",
  );
  if (!isProxied || !apps.some(({ hostname }) => isLoopbackHost(hostname))) return environment;
  const before = environment["no_proxy"] || environment["NO_PROXY"];
  const list = before ? `${before},${exemptNames}` : exemptNames;
  return { ...environment, no_proxy: list, NO_PROXY: list };
}
