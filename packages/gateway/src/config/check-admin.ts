// Where the admin API listens: never where people's requests arrive, and never where its tokens
// could be read on their way.
import { isLoopbackHost } from "@postern/protocol";
import type { Report } from "../model/problem.ts";
import { isSameAddress } from "./check-forward-auth.ts";
import type { ListenAddress } from "./values.ts";

/** The settings that must go together. */
interface AdminFields {
  listen: readonly ListenAddress[];
  redirect_http?: ListenAddress | undefined;
  forward_auth?: { listen: ListenAddress } | undefined;
  trusted_proxies: readonly string[];
  tls?: object | undefined;
  admin?: { listen: ListenAddress } | undefined;
}

/** Reports a listener for administrators that is another one, or that others can listen to. */
export function checkAdmin(fields: AdminFields, report: Report): void {
  const { admin, tls, trusted_proxies } = fields;
  if (admin === undefined) return;
  const { listen } = admin;
  const others = [...fields.listen, fields.redirect_http, fields.forward_auth?.listen];
  if (others.some((other) => other !== undefined && isSameAddress(other, listen)))
    report.problem(["admin", "listen"], "is listened on already; choose another port");

  if (listen.kind === "unix" || isLoopbackHost(listen.host) || tls !== undefined) return;
  const inClear = "would take admin tokens in clear, for others to read";
  if (trusted_proxies.length === 0)
    report.problem(["admin", "listen"], `${inClear}; add tls, or listen on 127.0.0.1`);
  else report.warning(["admin", "listen"], `${inClear}; keep it to a network that nobody reads`);
}
