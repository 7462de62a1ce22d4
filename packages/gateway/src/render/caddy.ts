// The configuration of Caddy (docs/forward-auth/caddy.md). Caddy asks the gateway as its own
// `forward_auth` would, and keeps the answer in variables: a header that it set before the last
// `reverse_proxy` could be taken away again by the client's `Connection` (case H3).
import { UsageError } from "../usage-error.ts";
import { givenHeaders, hiddenHeaders, withheldHeaders } from "./proxy-headers.ts";
import type { LentService, ProxyPlan } from "./proxy-plan.ts";

/** A Caddyfile. @throws {UsageError} when Caddy has no such address */
export function renderCaddy(plan: ProxyPlan): string {
  const { decisions, gateway, ownHosts, applicationHosts, services } = plan;
  return `# Written by "postern render caddy". Import it in a Caddyfile, and write it anew when the
# configuration of the gateway changes.
(postern_gateway) {
  reverse_proxy ${gateway} {
    flush_interval -1
  }
}

# What the gateway answers alone: people sign in here, and terminals wait.
${ownHosts.map((host) => addressOf(plan, host)).join(", ")} {
  import postern_gateway
}

${applicationHosts.map((host) => addressOf(plan, host)).join(", ")} {
  route {
    @postern_own path /cdn-cgi/access/*
    handle @postern_own {
      import postern_gateway
    }

    # The question. Whatever is no 200 leads to the gateway.
    reverse_proxy ${decisions} {
      method GET
      rewrite /cdn-cgi/access/forward-auth/forwarded
      header_up X-Forwarded-Method {method}
      header_up X-Forwarded-Uri {uri}
      header_up X-Access-Services "${services.map(({ name }) => name).join(" ")}"
      header_up -X-Access-Accept
      @postern_allowed status 200
      handle_response @postern_allowed {
        vars {
          postern_service {rp.header.X-Access-Service}
${givenHeaders.map(({ from }) => `          ${variableOf(from)} {rp.header.${goName(from)}}`).join("\n")}
        }
      }
      handle_response {
        import postern_gateway
      }
    }
${services.map(handlerOf).join("")}
    import postern_gateway
  }
}
`;
}

function handlerOf({ name, address }: LentService): string {
  const upstream =
    address.kind === "unix" ? `unix/${address.path}` : `${address.host}:${address.port}`;
  return `
    @${name} vars postern_service ${name}
    handle @${name} {
      reverse_proxy ${upstream} {
        flush_interval -1
${givenHeaders.map((each) => `        header_up ${each.name} {vars.${variableOf(each.from)}}`).join("\n")}
${withheldHeaders.map((header) => `        header_up -${header}`).join("\n")}
${hiddenHeaders.map((header) => `        header_down -${header}`).join("\n")}
      }
    }
`;
}

function addressOf({ scheme, port }: ProxyPlan, host: string): string {
  if (/\*/.test(host.replace(/^\*\./, "")))
    throw new UsageError(
      `Caddy takes an asterisk for a whole first name alone, and ${host} has another; name the hosts one by one`,
    );
  return `${scheme}://${host}:${port}`;
}

function variableOf(name: string): string {
  return `postern_${name.replaceAll("-", "_")}`;
}

/** As Go spells a header: `X-Access-Host`. Its placeholders know no other spelling. */
function goName(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
