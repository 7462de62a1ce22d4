// `postern render`: the configuration of a proxy that asks the gateway for decisions, written from
// the gateway's own.
import type { Config } from "../config/load-config.ts";
import type { ProxyDialect } from "../model/proxy-dialect.ts";
import { UsageError } from "../usage-error.ts";
import { renderCaddy } from "./caddy.ts";
import { renderEnvoy } from "./envoy.ts";
import { renderHaproxy } from "./haproxy.ts";
import { renderNginx } from "./nginx.ts";
import { type ProxyPlan, planFor } from "./proxy-plan.ts";
import { renderTraefik } from "./traefik.ts";

/** What the configuration of the gateway does not say. */
export interface RenderOptions {
  /** the file of ours that HAProxy loads, absolute */
  luaFile: string;
  /** whether origins may get credentials that the proxy cannot keep from them */
  acceptsCredential: boolean;
}

/** A proxy that a configuration can be written for. */
interface Renderer {
  dialect: ProxyDialect;
  /** whether it hands requests over to the gateway that it cannot carry out itself */
  handsOver: boolean;
  render(plan: ProxyPlan, options: RenderOptions): string;
}

const renderers = {
  nginx: { dialect: "nginx", handsOver: true, render: renderNginx },
  caddy: { dialect: "forwarded", handsOver: true, render: renderCaddy },
  haproxy: {
    dialect: "haproxy",
    handsOver: true,
    render: (plan: ProxyPlan, { luaFile }: RenderOptions) => renderHaproxy(plan, luaFile),
  },
  traefik: {
    dialect: "forwarded",
    handsOver: false,
    render: (plan: ProxyPlan, options: RenderOptions) =>
      renderTraefik(plan, options.acceptsCredential),
  },
  envoy: {
    dialect: "envoy",
    handsOver: false,
    render: (plan: ProxyPlan, options: RenderOptions) =>
      renderEnvoy(plan, options.acceptsCredential),
  },
} satisfies Record<string, Renderer>;

/** The proxies by their names. */
export type ProxyName = keyof typeof renderers;

export const proxyNames: readonly string[] = Object.keys(renderers);

/**
 * Writes the configuration of a proxy.
 * @throws {UsageError} when there is none for it, or an origin would get a credential
 */
export function renderProxy(config: Config, name: ProxyName, options: RenderOptions): string {
  const { dialect, handsOver, render } = renderers[name];
  const plan = planFor(config, dialect);
  const [header] = plan.credentialHeaders;
  if (!handsOver && header !== undefined && !options.acceptsCredential)
    throw new UsageError(
      `${name} cannot keep a credential in ${header} from the application; take accept_bearer and read_service_tokens_from_header from the applications, or say --accept-credential-at-origin`,
    );
  return render(plan, options);
}

/** Whether there is a configuration for a proxy of this name. */
export function isProxyName(name: string): name is ProxyName {
  return Object.hasOwn(renderers, name);
}
