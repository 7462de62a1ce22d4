// The decision that the gateway lends to nginx, beside a service that looks at nothing: by nginx
// and the service together, and by the service alone.
import { compete, entryOf, figureOf, type Row, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, digits, noFailures } from "../finding.ts";
import { browserHeaders, checkJob, type Gateway, own, startGateway } from "../gateway.ts";
import { askedByWrk, bare, type Stand, standOf, startFileOrigin } from "../line-up.ts";
import type { Target } from "../load/probe.ts";
import { kilobyte, startNginx } from "../nginx.ts";
import {
  type Peer,
  startAuthRequest,
  startBareNginx,
  startDecisionService,
} from "../peers/start.ts";
import { freePort } from "../process.ts";
import { runProgram } from "../run-program.ts";
import type { Scenario } from "../setting.ts";
import type { Stage } from "../stage.ts";

const minimal = "nginx asks the minimal service";
const postern = "nginx asks **Postern**";
const path = "/cdn-cgi/access/forward-auth/nginx";

export const forwardAuth: Scenario = {
  about: "nginx carries the requests and asks for decisions",
  async play(setting) {
    const { stage } = setting;
    const origin = await startFileOrigin(stage);
    const lender = await startLender(stage, origin);
    const { gateway, decisions } = lender;
    const target = { port: 0, path: "/1k", headers: browserHeaders(gateway.tokens[0]) };
    const service = await startDecisionService(stage);
    const least = startAuthRequest(stage, { origin, service });
    const lent = startAuthRequest(
      stage,
      { origin, service: { pid: gateway.pid, port: decisions } },
      { path, directives: questionOf(lender.rendered) },
    );
    const stands = [
      await standOf(bare, startBareNginx(stage, origin), target),
      await standOf(minimal, least, target),
      await standOf(postern, lent, target),
      await entryOf("nginx as postern render writes it", startRendered(stage, lender, target)),
      await standOf(aloneName(minimal), alone(least, service.pid), target),
      await standOf(aloneName(postern), alone(lent, gateway.pid), target),
    ];
    const entries = askedByWrk(stands, { length: kilobyte });
    const rows = await compete(stage, entries, setting.pace(3, 3));
    const gatewayRow = rowNamed(rows, postern);
    const ratio = ratioOf(gatewayRow, rowNamed(rows, minimal), "cost");
    return {
      tables: [{ title: "1 kB, decisions by auth_request", rows, base: minimal }],
      notes: [boundOf(rows)],
      promises: [
        atLeast("the forward-auth decision behind nginx beside the minimal service", 1.5, ratio),
        ...noFailures("forward-auth", gatewayRow),
      ],
    };
  },
};

/** A gateway that lends decisions. */
interface Lender {
  gateway: Gateway;
  /** the port of its listener for proxies */
  decisions: number;
  /** the port of the nginx that `postern render` configures */
  front: number;
  /** that configuration */
  rendered: string;
}

async function startLender(stage: Stage, origin: number): Promise<Lender> {
  const [decisions, front] = [await freePort(), await freePort()];
  const proxies = [{ cidr: "127.0.0.1", dialect: "nginx" }];
  const sections = {
    auth_domain: `login.localhost:${front}`,
    public_ports: [front, 80],
    trusted_proxies: ["127.0.0.1"],
    forward_auth: { listen: `127.0.0.1:${decisions}`, proxies },
  };
  const gateway = await startGateway(stage, own, { origin, sections });
  const args = [own.checkout.cli, "render", "nginx", "--config", gateway.file];
  const rendered = await runProgram(process.execPath, args);
  return { gateway, decisions, front, rendered };
}

/** What nginx must say of the request that it asks about (docs/forward-auth/README.md). */
function questionOf(rendered: string): string {
  const services = /X-Access-Services "([^"]*)"/.exec(rendered)?.[1] ?? "";
  return `proxy_set_header Host postern;
    proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Access-Services "${services}";
    proxy_set_header X-Access-Accept "";
    proxy_buffer_size 64k;
    proxy_buffers 4 64k;
    proxy_busy_buffers_size 128k;`;
}

async function startRendered(
  stage: Stage,
  { gateway, front, rendered }: Lender,
  target: Target,
): Promise<Stand> {
  const nginx = await stage.keep(startNginx("proxy", stage.folder, "rendered", rendered));
  const whole = { ...target, port: front };
  await checkJob(whole);
  const name = "nginx as postern render writes it";
  return { name, pids: [nginx.pid, gateway.pid], target: whole };
}

/** What is in the way of any decision: nginx, which carries the request and asks. */
function boundOf(rows: readonly Row[]): string {
  const whole = figureOf(rowNamed(rows, minimal), "cost");
  const nginx = whole - figureOf(rowNamed(rows, aloneName(minimal)), "cost");
  const bound = digits(whole / nginx);
  return `Of ${digits(whole)} μs with the minimal service nginx itself takes ${digits(nginx)}: a decision that cost nothing would be ${bound} ×.`;
}

function aloneName(name: string): string {
  return `${name}: that alone`;
}

/** The same requests, of which only what the decider takes counts. */
async function alone(asking: Promise<Peer>, pid: number): Promise<Peer> {
  return { port: (await asking).port, pids: [pid] };
}
