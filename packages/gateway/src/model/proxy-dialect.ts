// How a proxy says which request it asks about (wire-protocol 12).

/**
 * `nginx`: X-Original-URL and X-Original-Method; `forwarded`, as Caddy and Traefik: X-Forwarded-*;
 * `envoy` and `haproxy`: the request line and `Host`.
 */
export const proxyDialects = ["nginx", "forwarded", "envoy", "haproxy"] as const;

export type ProxyDialect = (typeof proxyDialects)[number];

/** A proxy, or several of one network, that may ask for decisions. */
export interface DecisionProxy {
  /** canonical text of a network */
  cidr: string;
  dialect: ProxyDialect;
}
