import type { Command } from "../command.ts";
import { configFlag, helpFlag } from "../flags.ts";
import { administration } from "./administration.ts";

const proxies = ["nginx", "caddy", "haproxy", "traefik", "envoy"] as const;

/** `render` */
export const render: Command = {
  name: "render",
  operand: "PROXY",
  choices: proxies,
  summary: "print the configuration of a proxy that asks the gateway",
  usage: [`${proxies.join("|")} [--accept-credential-at-origin] --config FILE`],
  description:
    "Prints what a proxy needs to ask this gateway about each request and to carry those that may pass itself. The configuration must have forward_auth with an entry for the proxy.",
  flags: [
    configFlag,
    {
      name: "accept-credential-at-origin",
      description: "let applications get credentials that the proxy cannot keep from them",
    },
    helpFlag,
  ],
  example: "postern render nginx --config postern.yaml",
  run: administration,
};
