// How a path is read (security-cases 2.1), by every way in: as its origin will read it, or not at
// all. Each row says what is right, and that the origin has seen exactly this.

import {
  all,
  type Case,
  denied,
  malformed,
  notFound,
  type Right,
  refused,
  reset,
  tryEveryWay,
} from "./attack.ts";
import { olga } from "./house.ts";

const reaches = (target: string): Right => ({ reaches: target });
/** What reaches its origin as it was sent. */
const asSent = (...targets: string[]) =>
  targets.map((target) => ({ ask: target, right: reaches(target) }));
const at = (host: string, ...targets: string[]) => targets.map((target) => ({ host, target }));

const asksToPut = "Access-Control-Request-Method: PUT";
const preflight = {
  method: "OPTIONS",
  target: "/x",
  host: "preflight.localhost",
  lines: ["Origin: https://ui.test", asksToPut],
};
const forged = [
  `Cf-Access-Authenticated-User-Email: ${olga}`,
  "Cf-Access-Jwt-Assertion: evil",
  "Cf_Access_Jwt_Assertion: evil",
];

const cases: Case[] = [
  {
    about: "P1 a query is no part of the path that a rule sees",
    rows: [
      ...all(denied, [
        "/secret/x?y=/status",
        "/open/../secret?/status",
        "/secret?/public/",
        "/?/public/x",
        "/open?/x/status",
        "/open/x?/status",
        "/secret/%3f/public/..?x",
      ]),
      ...asSent("/open/a/status?x=1", "/public?/../admin", "/public/?a=%2e%2e/%00&b=\\"),
    ],
  },
  {
    about: "P2 a fragment is a 400 when it is raw, and text when it is encoded",
    rows: [
      ...all(refused, [
        "/open/secret#/status",
        "/public/x#y",
        "/public/?a#b",
        "/public#",
        "/#/public",
      ]),
      ...all(denied, ["/open/secret%23/x", "/secret%23/public"]),
      ...asSent("/open/secret%23/status", "/public?a=%23b"),
    ],
  },
  {
    about: "P3 dot segments in any spelling lead out of no public part",
    rows: [
      ...all(denied, [
        "/public/../admin/x",
        "/public/%2e%2e/admin/x",
        "/public/.%2E/admin/x",
        "/public/%2E./admin/x",
        "/public/%2e%2E/admin/x",
        "/public/./../admin/x",
        "/public/x/../../admin/x",
        "/public/x/%2e%2e/../admin",
        "/public/..",
        "/public/%2e%2e/",
        "/public/.././admin",
        "/open/x/../../admin/status",
        "/open/x/status/../../../admin",
      ]),
      ...all(refused, [
        "/public/..;/admin/x",
        "/public/..;x=1/admin/x",
        "/public/%2e%2e;/admin/x",
        "/public/..;a/..;b/admin",
        "/public/.;/..;/admin",
      ]),
      ...all(denied, ["/public/../admin/x", "/public/%2e%2e/admin"], "alice"),
      { ask: "/public/./a/../b", right: reaches("/public/b") },
      { ask: "/public/a/%2e%2E/b/%2e", right: reaches("/public/b/") },
      { ask: "/public/.;/../admin/x", right: reaches("/public/admin/x") },
      ...asSent("/public/...", "/public/..a", "/public/.well-known/x", "/public/a..b/c"),
    ],
  },
  {
    about: "P4 an encoded slash or backslash is a 400, unless the application wants it as it is",
    rows: [
      ...all(refused, [
        "/public%2f..%2fadmin/x",
        "/public/..%5cadmin",
        "/public%2Fx",
        "/public/%5C",
        "/public\\..\\admin",
        "/public/..\\admin",
        "/public/x%2f",
        "/public/%2e%2e%2fadmin",
        "/public/..%2F..%5cadmin",
        "/a%2fb",
      ]),
      ...all(
        refused,
        at(
          "files.localhost",
          "/x%2F..%2Fadmin",
          "/x;%2F..%2Fadmin/y",
          "/x;%5C..%5Cadmin",
          "/%2Fadmin;/y",
          "/a\\..\\admin",
        ),
      ),
      ...at("files.localhost", "/group%2Fname/raw", "/x;v=1%2F2/y", "/a%5Cb").map((ask) => ({
        ask,
        right: reaches(ask.target),
      })),
    ],
  },
  {
    about: "P5 runs of slashes hide nothing from policy",
    rows: [
      ...all(
        denied,
        [
          "//admin/x",
          "/public//../admin/x",
          "/public/..//admin/x",
          "///admin",
          "/.//admin/x",
          "//public/../admin",
          "/x//../admin",
        ],
        "alice",
      ),
      ...all(refused, ["/;//admin", "//ADMIN", "/x/..;//admin"], "alice"),
      ...all(denied, ["//admin/x", "//", "//app2.localhost/public"]),
      ...all(denied, at("files.localhost", "//admin", "/x//../admin/y", "/x/..//admin")),
      { ask: "//public///x", right: reaches("/public/x") },
      ...at("files.localhost", "//bucket//key", "/fetch/https://a.test/b.png").map((ask) => ({
        ask,
        right: reaches(ask.target),
      })),
    ],
  },
  {
    about: "P6 an escape is decoded once: an escaped escape is text for all",
    rows: [
      ...asSent(
        "/public/%252e%252e/admin",
        "/public/%252f..%252fadmin",
        "/public/..%252f",
        "/public/%255c",
        "/public/%2500",
        "/public/%25252e%25252e/admin",
        "/public/%2523",
      ),
      ...all(denied, ["/%2570ublic/x", "/%252e/public/x", "/%61%64min/x"]),
    ],
  },
  {
    about: "P7 a host is the same in upper case and with a final dot, and a path is not another's",
    rows: [
      ...["APP.LOCALHOST", "app.localhost.", "App.Localhost.", "aPP.lOCALHOST:80"].flatMap(
        (host) => [
          ...all(denied, at(host, "/admin/x", "/x")),
          ...all(refused, at(host, "/Admin", "/PUBLIC/x")),
          {
            ask: { host, target: "/public/x" },
            right: { reaches: "/public/x", host: "app.localhost" },
          },
        ],
      ),
      ...all(denied, at("A.CORP.LOCALHOST", "/x")),
      {
        ask: { host: "A.CORP.LOCALHOST", target: "/x" },
        as: "alice",
        right: { reaches: "/x", host: "a.corp.localhost" },
      },
      ...all(denied, at("a.b.corp.localhost", "/x"), "alice"),
      ...all(refused, ["/ADMIN/x", "/Admin", "/aDmin/", "/%41dmin"], "alice"),
      ...all(refused, at("app.localhost..", "/public/x")),
      { ask: "/Administration", as: "alice", right: reaches("/Administration") },
    ],
  },
  {
    about: "P8 control characters and broken UTF-8 are a 400, and parameters change no match",
    rows: [
      ...all(refused, [
        "/adm%00in",
        "/public/%00",
        "/public/..%00/",
        "/public/x%00.html",
        "/public/%0d%0aX:y",
        "/public/%0a",
        "/public/%09",
        "/public/%7f",
        "/public/%1b",
        "/%c0%ae%c0%ae/admin",
        "/public/%c0%af",
        "/public/%e0%80%af",
        "/public/%f0%80%80%ae",
        "/public/%f4%90%80%80",
        "/public/%ff",
        "/public/%ed%a0%80",
        "/public/%c2%85",
        "/public/%c2",
        "/public/%",
        "/public/%4",
        "/public/%zz",
        "/public/%2",
        "/public/%u002e%u002e/admin",
        "/public/%%32%65",
        "/public/\xe4",
      ]),
      ...all(malformed, ["/public/\x00", "/public/\x7f", "/public/\x1b", "/public/\x01x"]),
      ...all(refused, ["/admin;/x", "/admin;a=b/x", "/;/admin/x", "/x;/..;/admin"], "alice"),
      ...all(refused, ["/admin;/x", "/admin%3b/x", "/public;v=1/x"]),
      ...all(denied, ["/public;/../admin"]),
      ...asSent("/public/x;/y;z", "/public/x;v=1", "/public/caf%C3%A9"),
    ],
  },
  {
    about: "P10 an address that cannot be read is a 4xx, whatever it is near to",
    rows: [
      ...all(refused, ["/%zz", "/public/%zz", "/public/%", "/%"]),
      ...all(
        malformed,
        ["", " ", "?", "x", "?/public"].map((target) => ({ target })),
      ),
      ...all(denied, ["//", "/", "/?"]),
      ...all({ statuses: [400, 414] }, [
        `/public/${"%2e%2e/".repeat(3_000)}x`,
        `/public/${"a;".repeat(5_000)}`,
      ]),
    ],
  },
  {
    about: "P11 an absolute target names the host that Host names, or nothing",
    rows: [
      ...all(malformed, [
        "http://app.localhost@app2.localhost/public/x",
        "http://app.localhost:80:80/public/x",
        "app.localhost/public/x",
        "*",
        "http://",
        "http:/public/x",
        "http:///public/x",
        "http://app.localhost\\@app2.localhost/public",
      ]),
      // To nginx the target's host is the request's, as RFC 9112 3.2.2 has it.
      ...all({ ...malformed, nginx: denied }, [
        "https://app2.localhost/",
        "http://app2.localhost/public/x",
      ]),
      ...all({ ...malformed, nginx: reaches("/public/x") }, [
        "http://app.localhost:1/public/x",
        "http://app.localhost:443/public/x",
        "https://app.localhost:80/public/x",
        "ftp://app.localhost/public/x",
      ]),
      ...all({ http1: reaches("/public/x"), http2: reset, nginx: reaches("/public/x") }, [
        "http://app.localhost/public/x",
        "http://app.localhost:80/public/x",
        "HTTPS://APP.localhost:443/public/x",
      ]),
    ],
  },
  {
    about: "P12 a target without its slash is no path",
    rows: all(malformed, [
      "admin/x",
      "public/x",
      "./public/x",
      "%2fpublic/x",
      "\\\\public",
      ";/public/x",
      "public",
    ]),
  },
  {
    about: "P13 no path is exempt: not ACME's, and none that passes through the gateway's own",
    rows: [
      ...all(denied, [
        "/.well-known/acme-challenge/anything",
        "/.well-known/acme-challenge/../../admin",
        "/cdn-cgi/access/certs/../../../admin",
        "/cdn-cgi/access/certs/../../admin",
        "/.well-known/openid-configuration",
        "/healthz",
        "/metrics",
      ]),
      ...all(notFound, [
        "/cdn-cgi/access/x",
        "/cdn-cgi/access/",
        "/cdn-cgi/access",
        "/cdn-cgi//access/x",
        "/cdn-cgi/%61ccess/x",
        "/cdn-cgi/access/certs;x",
        "/public/../cdn-cgi/access/x",
      ]),
      ...all(refused, ["/cdn-cgi/access;/x", "/x/..;/cdn-cgi/access/certs", "/CDN-CGI/access/x"]),
    ],
  },
  {
    about: "P14 a method has no other name in a header",
    rows: [
      ...[
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X_HTTP.Method~Override",
      ].map((name) => ({
        ask: { target: "/x", lines: [`${name}: DELETE`, "X-Kept: 1"] },
        as: "alice" as const,
        right: { reaches: "/x", keeps: ["X-Kept: 1"] },
      })),
      {
        ask: {
          method: "POST",
          target: "/x",
          body: "_method=DELETE",
          lines: ["Content-Length: 14", "X-Http-Method: PUT"],
        },
        as: "alice",
        right: { reaches: "/x", body: "_method=DELETE", keeps: ["Content-Length: 14"] },
      },
      ...all(denied, [
        { method: "HEAD", target: "/x", lines: ["X-HTTP-Method-Override: OPTIONS"] },
        { method: "POST", target: "/admin/x", lines: ["X-Original-Method: OPTIONS"] },
      ]),
    ],
  },
  {
    about: "P15 a preflight passes alone, without a name and without a body",
    rows: [
      ...all(denied, [
        { ...preflight, lines: [] },
        { ...preflight, lines: ["Origin: https://ui.test"] },
        { ...preflight, lines: [asksToPut] },
        { ...preflight, method: "GET" },
        { ...preflight, method: "HEAD" },
        { ...preflight, host: "app.localhost" },
      ]),
      ...all(refused, [{ ...preflight, target: "/x;/..;%2F" }]),
      // Another method to HTTP, and the same one to a careless origin.
      ...all({ statuses: [400, 405, 501] }, [
        { ...preflight, method: "options" },
        { ...preflight, method: "Options" },
      ]),
      {
        ask: { ...preflight, lines: [...preflight.lines, ...forged] },
        right: { reaches: "/x", keeps: preflight.lines },
      },
      {
        ask: preflight,
        as: "alice",
        right: { reaches: "/x", keeps: preflight.lines, told: "nobody" },
      },
    ],
  },
];

tryEveryWay(cases);
