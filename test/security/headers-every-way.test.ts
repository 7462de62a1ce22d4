// What a client says in headers about itself, its connection and its way here (security-cases 2.2),
// by every way in. Its origin believes what the gateway sets, so a client must not be able to set,
// double or remove it: of each request that passes, every line that the origin saw is compared.

import * as h2 from "../support/h2-frames.ts";
import {
  all,
  type Case,
  denied,
  malformed,
  type Row,
  refused,
  reset,
  tryEveryWay,
} from "./attack.ts";
import { alice, olga } from "./house.ts";

/** Names that are the gateway's to say, or nobody's. */
const ours = [
  "Cf-Access-Authenticated-User-Email",
  "Cf-Access-Jwt-Assertion",
  "Cf-Access-Token",
  "Cf-Access-Client-Secret",
  "Cf-Access-Anything-New",
  "X-Forwarded-User",
  "X-Forwarded-Groups",
  "X-Real-IP",
  "True-Client-IP",
  "Cf-Connecting-IP",
  "Cf-Ray",
  "X-Auth-Request-Email",
  "X-Remote-User",
  "Remote-User",
];
const framing = ["Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding"];

/** What CGI and its kin take for a dash. */
const dashes = [..."!#$%&'*+.^_`|~"];
const spellings = (name: string) => [
  ...dashes.map((dash) => name.replaceAll("-", dash)),
  name.replace("-", "."),
  name.toUpperCase().replace(/-(?=[^-]*$)/, "_"),
  name.toLowerCase().replace("-", "__").replace("__", "_"),
];
const withValue = (value: string) => (name: string) => `${name}: ${value}`;

/** Alice asks with these lines, of which the origin sees these. */
const asAlice = (lines: readonly string[], keeps: readonly string[] = []): Row => ({
  ask: { target: "/x", lines },
  as: "alice",
  right: { reaches: "/x", keeps },
});
/** The same where nobody is asked for. */
const asNobody = (lines: readonly string[], keeps: readonly string[] = []): Row => ({
  ask: { target: "/public/x", lines },
  right: { reaches: "/public/x", keeps },
});

const harmless = ["X.Request.Id: 1", "X_Api_Key: 2", "Cf.Accessory: 3", "X~y: 4", "X_Own: 5"];

const forwarding = [
  "X-Forwarded-Uri: /public/x",
  "X-Forwarded-Prefix: /public",
  "X-Forwarded-Port: 443",
  "X-Forwarded-Server: evil",
  "X-Forwarded-Method: OPTIONS",
  "X-Original-URL: /public/x",
  "X-Original-URI: /public/x",
  "X-Rewrite-URL: /public/x",
  "Forwarded: for=10.0.0.1;host=app2.localhost;proto=https",
  "X-Original-Host: app2.localhost",
  "X-Host: app2.localhost",
  "X-Forwarded-Ssl: on",
  "X-Forwarded-Scheme: https",
  "X-Forwarded-Client-Cert: By=a;Subject=root",
  "X-Forwarded: for=10.0.0.1",
  "Front-End-Https: on",
  "X-Url-Scheme: https",
  "X-Scheme: https",
  "X-Client-IP: 10.0.0.1",
  "X-Cluster-Client-IP: 10.0.0.1",
  "Client-IP: 10.0.0.1",
  "Cf-Visitor: {}",
];
/** Those which nginx sets itself. */
const believed = [
  "X-Forwarded-Host: app2.localhost",
  "X-Forwarded-Proto: https",
  "X-Forwarded-For: 10.0.0.1",
];

const reaches = (target: string, keeps: readonly string[] = []) => ({ reaches: target, keeps });
const basics = ["Authorization: Basic YTpi", "Authorization: Basic Yzpk"];
const asNamed = { reaches: "/public/x", host: "app.localhost" };
const toPost = { method: "POST", target: "/public/x", body: "body" };
/** What is too large comes when the request has begun to go on. */
const cut = { cutWith: [undefined, 400, 431] };
const misdirected = { statuses: [421] };
const tooLarge = { statuses: [414, 431] };
const at = (...hosts: string[]) => hosts.map((host) => ({ host, target: "/public/x" }));

const cases: Case[] = [
  {
    about: "H1 an identity header in any spelling is ours alone",
    rows: [
      ...ours.map((name) => asAlice(spellings(name).map(withValue(olga)))),
      ...framing.map((name) => asAlice(spellings(name).map(withValue("7")))),
      ...["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"].map((name) =>
        asAlice(spellings(name).map(withValue("10.1.1.1"))),
      ),
      asAlice(["Cf-Access-Jwt-Assertion: evil", "cf-access-jwt-assertion: evil"]),
      asAlice(Array.from({ length: 5 }, () => `Cf-Access-Authenticated-User-Email: ${olga}`)),
      asAlice(harmless, harmless),
    ],
  },
  {
    about: "H1 trailers name nobody, and frame nothing",
    rows: [
      {
        ask: {
          method: "POST",
          target: "/x",
          lines: ["Trailer: X-Sum"],
          body: "body",
          trailers: [
            ...[...ours, ...framing].flatMap(spellings).map(withValue("7")).slice(0, 120),
            ...ours.map(withValue("7")),
            "Host: app2.localhost",
            "Cookie: a=b",
            "Authorization: Basic x",
            "X-Sum: 7",
          ],
        },
        as: "alice",
        right: {
          http1: {
            reaches: "/x",
            body: "body",
            trailers: ["X-Sum: 7"],
            keeps: ["Trailer: X-Sum", "Transfer-Encoding: chunked"],
          },
          http2: {
            reaches: "/x",
            body: "body",
            trailers: ["X-Sum: 7"],
            keeps: ["Trailer: X-Sum", "Transfer-Encoding: chunked"],
          },
          // nginx forwards no trailers.
          nginx: {
            reaches: "/x",
            body: "body",
            keeps: ["Trailer: X-Sum", "Transfer-Encoding: chunked"],
          },
        },
      },
    ],
  },
  {
    about: "H2 where nobody is asked for, no identity header passes",
    rows: [
      asNobody(ours.map(withValue(olga))),
      asNobody(ours.flatMap(spellings).map(withValue(olga)).slice(0, 150)),
      {
        ask: { target: "/machines/x", lines: ours.slice(0, 2).map(withValue(olga)) },
        as: "robot",
        right: { reaches: "/machines/x" },
      },
      {
        ask: { target: "/public/x", lines: ours.slice(0, 2).map(withValue(olga)) },
        as: "alice",
        right: { reaches: "/public/x", told: "nobody" },
      },
      ...all(denied, [
        { target: "/machines/x", lines: ours.slice(0, 2).map(withValue(olga)) },
        { target: "/admin/x", lines: ours.slice(0, 2).map(withValue(olga)) },
        { target: "/x", lines: [`Cf-Access-Authenticated-User-Email: ${alice}`] },
      ]),
    ],
  },
  {
    about: "H3 what a client's Connection names takes nothing of ours away",
    rows: [
      ...[
        "close, Cf-Access-Jwt-Assertion, X-Forwarded-For",
        "close, cf-access-jwt-assertion,x-forwarded-for, cf-access-authenticated-user-email",
        "CLOSE , Host, X-Forwarded-Host\t,Cf-Ray",
        "close,,cookie, authorization,x-forwarded-proto,,",
      ].map((names): Row => {
        const own = ["Authorization: Bearer the API's own", "Cookie: theme=dark"];
        const lines = [`Connection: ${names}`, ...own];
        const right = { reaches: "/x", keeps: own };
        return {
          ask: { target: "/x", lines },
          as: "alice",
          right: { http1: right, http2: reset, nginx: right },
        };
      }),
      {
        ask: {
          target: "/public/x",
          lines: ["Connection: close, X-Own", "X-Own: hop", "Proxy: http://evil", "Keep-Alive: 5"],
        },
        right: {
          http1: { reaches: "/public/x" },
          http2: reset,
          // nginx reads `Connection` for itself, and not the names in it.
          nginx: { reaches: "/public/x", keeps: ["X-Own: hop"] },
        },
      },
      ...["TE: gzip", "Keep-Alive: 5", "Proxy-Connection: keep-alive", "Upgrade: h2c"].map(
        (line): Row => ({
          ask: { target: "/public/x", lines: [line] },
          right: {
            http1: { reaches: "/public/x" },
            http2: reset,
            nginx: { reaches: "/public/x" },
          },
        }),
      ),
    ],
  },
  {
    about: "H4 nobody believes what a client says of hosts, schemes and addresses before it",
    rows: [
      ...all(denied, [
        { target: "/admin/x", lines: [...forwarding, ...believed] },
        ...[...forwarding, ...believed].map((line) => ({ target: "/admin/x", lines: [line] })),
      ]),
      asNobody([...forwarding, ...believed]),
      asAlice([...forwarding, ...believed, ...believed]),
    ],
  },
  {
    about: "H5 an address rule sees where a client connects from, whatever it says",
    rows: all(
      denied,
      [
        ["X-Forwarded-For: 10.1.1.1"],
        ["X-Forwarded-For: a"],
        ["X-Forwarded-For: "],
        ["X-Forwarded-For: ::ffff:10.1.1.1"],
        ["X-Forwarded-For: 10.1.1.1, 127.0.0.1"],
        ["X-Forwarded-For: 10.1.1.1", "X-Forwarded-For: 10.1.1.1"],
        ["X-Forwarded-For: 10.1.1.1,"],
        ["X-Real-IP: 10.1.1.1", "CF-Connecting-IP: 10.1.1.1", "True-Client-IP: 10.1.1.1"],
        ["Forwarded: for=10.1.1.1"],
        ["X_Forwarded_For: 10.1.1.1"],
        ["X-Forwarded.For: 10.1.1.1"],
      ].map((lines) => ({ target: "/office/x", lines })),
    ),
  },
  {
    about: "H6 no user agent opens anything",
    rows: all(
      denied,
      ["GoogleHC/1.0", "ELB-HealthChecker/2.0", "kube-probe/1.30", "Consul Health Check", "curl/8"]
        .flatMap((agent) =>
          ["/admin/x", "/", "/healthz", "/ping"].map((target) => ({ target, agent })),
        )
        .map(({ target, agent }) => ({ target, lines: [`User-Agent: ${agent}`] })),
    ),
  },
  {
    about: "H10 what may be said once and is said twice is refused",
    rows: [
      ...all({ ...malformed, http2: reaches("/public/x") }, [
        { target: "/public/x", lines: ["Host: app.localhost"] },
      ]),
      ...all(refused, [{ target: "/public/x", lines: ["Host: app2.localhost"] }]),
      // Over HTTP/2 a `host` with forbidden characters is left out before anybody reads it.
      ...all({ ...malformed, http2: reaches("/public/x") }, [
        { target: "/public/x", lines: ["Host: app.localhost, app2.localhost"] },
      ]),
      { ask: "/x", as: "alice twice", right: refused },
      { ask: "/public/x", as: "alice twice", right: { reaches: "/public/x", told: "nobody" } },
      ...all(refused, [
        { host: "login.localhost", target: "/cdn-cgi/access/callback?state=a&state=b&code=c" },
        { host: "login.localhost", target: "/cdn-cgi/access/callback?state=a&code=b&code=c" },
      ]),
      // Cookies in several lines are one list, in their order.
      {
        ask: { target: "/x", lines: ["Cookie: a=1", "Cookie: CF_Authorization=nobody; b=2"] },
        as: "alice",
        right: {
          http1: reaches("/x", ["Cookie: a=1", "Cookie: b=2"]),
          http2: reaches("/x", ["Cookie: a=1; b=2"]),
          nginx: reaches("/x", ["Cookie: a=1", "Cookie: b=2"]),
        },
      },
      // Those of an application's own are the application's to judge.
      {
        ask: { target: "/x", lines: basics },
        as: "alice",
        right: { http1: reaches("/x", basics), http2: reaches("/x", basics), nginx: refused },
      },
    ],
  },
  {
    about:
      "H11 a host that is none, that nobody serves or that is missing gets nothing of anybody's",
    rows: [
      ...all(denied, at("unknown.example", "127.0.0.1", "[::1]", "localhost", "xapp.localhost")),
      ...all(denied, at("app.localhost.evil.example", "a.app.localhost", "corp.localhost")),
      ...all(denied, at("app_.localhost")),
      ...all(refused, at("app..localhost", ".", "app%2elocalhost", "-", "*")),
      ...all(malformed, at("evil@app.localhost", "app.localhost evil", "app.localhost/public")),
      ...all(malformed, at("app.localhost, evil", "\xe4pp.localhost")),
      ...all(malformed, [
        { host: null, target: "/public/x" },
        { host: "", target: "/public/x" },
      ]),
      // nginx reads what stands behind the colon for no port, and passes none on.
      ...all({ ...malformed, nginx: asNamed }, at("app.localhost:443@evil")),
      ...all(
        { http1: refused, http2: refused, nginx: asNamed },
        at("app.localhost:8o", "app.localhost:0", "app.localhost:080"),
      ),
      ...all({ http1: misdirected, http2: misdirected, nginx: asNamed }, at("app.localhost:444")),
    ],
  },
  {
    about: "H13 a head of too many lines or bytes is refused",
    rows: [
      // nginx forwards no trailers.
      ...all({ http1: cut, http2: cut, nginx: { mendedTo: ["/public/x"] } }, [
        { ...toPost, trailers: ["A", "B", "C"].map((name) => `${name}: ${"b".repeat(30_000)}`) },
      ]),
      ...all(tooLarge, [
        { target: "/public/x", lines: Array.from({ length: 300 }, (_, index) => `X-${index}: y`) },
      ]),
      // A field that is longer than nghttp2 takes is a fault of its connection.
      ...all({ http1: tooLarge, http2: { error: h2.errors.COMPRESSION_ERROR }, nginx: tooLarge }, [
        { target: "/public/x", lines: [`Cookie: a=${"b".repeat(70_000)}`] },
        { target: "/public/x", lines: [`X-${"y".repeat(70_000)}: 1`] },
        { target: `/public/x?${"y".repeat(70_000)}` },
      ]),
      ...all({ http1: tooLarge, http2: { error: h2.errors.ENHANCE_YOUR_CALM }, nginx: tooLarge }, [
        { target: "/public/x", lines: ["A", "B"].map((name) => `${name}: ${"b".repeat(40_000)}`) },
      ]),
    ],
  },
  {
    about: "H14 no credential of ours reaches an origin, wherever it stands",
    rows: [
      {
        ask: { target: "/machines/x", lines: ["Cookie: CF_Authorization=a; b=c"] },
        as: "robot",
        right: { reaches: "/machines/x", keeps: ["Cookie: b=c"] },
      },
      ...all(denied, [
        {
          target: "/x",
          lines: ["CF-Access-Client-Id: robot.access", "CF-Access-Client-Secret: x"],
        },
      ]),
      asAlice(
        ["Cookie: CF_AppSession=a; theme=dark; postern_x=b; __Host-postern_y=c"],
        ["Cookie: theme=dark"],
      ),
    ],
  },
];

tryEveryWay(cases);
