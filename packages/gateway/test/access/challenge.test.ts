// What a request without a valid credential gets (wire-protocol 4): the way to the sign-in page for
// who can go there, a plain 401 for who cannot, and the check of a token that clients make before
// they use it (6.9).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { get } from "node:https";
import { test } from "node:test";
import { simpleSections, startGateway } from "../../../../test/support/gateway.ts";
import type { RawAnswer } from "../../../../test/support/raw-request.ts";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { startUpstream } from "../../../../test/support/upstream.ts";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  forged,
  machines,
  only,
  open,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const appSessionOf = (answer: RawAnswer) =>
  /^CF_AppSession=([\w-]{32});/.exec(answer.headers["set-cookie"] ?? "")?.[1];

/** The sign-in address of a 302, taken apart; its `meta` must be for this request. */
function signIn(access: AccessFixture, answer: RawAnswer, authority: string, name = "app") {
  const url = new URL(answer.headers["location"] ?? "");
  const { aud } = access.application(name);
  assert.equal(
    url.origin + url.pathname,
    `${access.fixture.team}/cdn-cgi/access/login/${authority}`,
  );
  assert.deepEqual([...url.searchParams.keys()], ["kid", "meta", "redirect_url"]);
  assert.equal(url.searchParams.get("kid"), aud);
  const redirectUrl = url.searchParams.get("redirect_url");
  const meta = access.fixture.parts.tokens.openMeta(url.searchParams.get("meta") ?? "");
  assert.ok(meta !== undefined);
  assert.deepEqual(
    [meta.aud, meta.hostname, meta.redirect_url, meta.exp - meta.iat],
    [aud, authority, redirectUrl, 300],
  );
  return { redirectUrl, meta };
}

test("browsers, plain curl and the official client are sent to sign in, with any method", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const authority = `app.localhost:${access.fixture.port}`;
  for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE"]) {
    for (const lines of [
      [],
      ["Accept: */*"],
      ["Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"],
      ["Accept: TEXT/HTML"],
      ["Accept: image/png", "Accept: */*;q=0.1"],
      ["User-Agent: Go-http-client/1.1"],
      ["Sec-Fetch-Mode: navigate", "Accept: text/html"],
      ["Sec-Fetch-Mode: websocket"],
    ]) {
      const answer = await access.refused(302, "/x?y=1", lines, { method, host: authority });
      assert.equal(signIn(access, answer, authority).redirectUrl, "/x?y=1");
      assert.equal(
        answer.headers["cf-access-aud"],
        access.application("app").aud,
        `${method}: older clients read it, on HEAD too`,
      );
      assert.equal(answer.headers["cf-access-domain"], "app.localhost");
      assert.equal(answer.headers["cache-control"], "private, no-store");
      assert.equal(answer.body === "", method === "HEAD");
      if (method !== "HEAD")
        assert.match(
          answer.body,
          new RegExp(
            `^app asks you to sign in\\. .* postern access curl http://${authority}/x .*\\n$`,
          ),
        );
    }
  }
});

test("the address keeps the port that the client used, and none where it used none", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  for (const authority of ["app.localhost", `app.localhost:${access.fixture.port}`]) {
    signIn(
      access,
      await access.refused(302, "/", [], { host: authority.toUpperCase() }),
      authority,
    );
  }
});

test("redirect_url is what was asked for, without our tokens, and cut where it is too long for a cookie", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const token = forged(await access.token("app"));
  const long = "q".repeat(2_300);
  const wanted: Record<string, string> = {
    "/": "/",
    "/a/../b?x=%2F&y=1&y=2": "/b?x=%2F&y=1&y=2",
    [`/a?token=${token}&b=c`]: "/a?b=c",
    [`/a?token=${token}`]: "/a",
    "/a?token=theirs": "/a?token=theirs",
    "/a?": "/a",
    "/a?next=//evil.test/%0d%0a": "/a?next=//evil.test/%0d%0a",
    "//evil.test/": "/evil.test/",
    [`/a?${long}`]: "/a",
    [`/${long}?x`]: "/",
    [`/${"p".repeat(2_190)}?x`]: `/${"p".repeat(2_190)}?x`,
  };
  for (const [target, redirectUrl] of Object.entries(wanted)) {
    assert.equal(
      signIn(access, await access.refused(302, target), "app.localhost").redirectUrl,
      redirectUrl,
      target.slice(0, 80),
    );
  }
});

test("a browser keeps the CF_AppSession that it has, if it is one of ours by its looks", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const fresh = await access.refused(302, "/");
  const nonce = appSessionOf(fresh);
  assert.ok(nonce !== undefined, fresh.headers["set-cookie"]);
  assert.match(fresh.headers["set-cookie"] ?? "", /; Path=\/; HttpOnly; SameSite=Lax$/);
  assert.equal(signIn(access, fresh, "app.localhost").meta.app_session, sha256(nonce));
  assert.notEqual(
    appSessionOf(await access.refused(302, "/")),
    nonce,
    "another browser, another nonce",
  );
  for (const cookie of [
    `CF_AppSession=${nonce}`,
    `a=b; CF_AppSession=${nonce};c=d`,
    `CF_AppSession=x; CF_AppSession=${nonce}`,
  ]) {
    const kept = await access.refused(302, "/", [`Cookie: ${cookie}`]);
    assert.equal(kept.headers["set-cookie"], undefined, cookie);
    assert.equal(signIn(access, kept, "app.localhost").meta.app_session, sha256(nonce));
  }
  for (const cookie of [
    "CF_AppSession=",
    "CF_AppSession=short",
    `CF_AppSession=${nonce}!`,
    `CF_AppSession=${"a".repeat(65)}`,
    `XCF_AppSession=${nonce}`,
    `a=CF_AppSession=${nonce}`,
  ]) {
    const replaced = await access.refused(302, "/", [`Cookie: ${cookie}`]);
    assert.ok(appSessionOf(replaced) !== undefined && appSessionOf(replaced) !== nonce, cookie);
  }
});

test(
  "over https the cookie is Secure, and the addresses are https",
  needs("openssl"),
  async (context) => {
    const upstream = await startUpstream();
    const files = certificateFor(context, ["login.example.test", "app.example.test"]);
    const gateway = await startGateway({
      sections: simpleSections(upstream.origin, ["app.example.test"]),
      teamHost: "login.example.test",
      tls: [files],
    });
    context.after(async () => {
      await gateway.close();
      await upstream.close();
    });
    const asked = {
      host: "127.0.0.1",
      port: gateway.port,
      path: "/x",
      servername: "app.example.test",
      ca: files.ca,
      agent: false as const,
    };
    const headers = await new Promise<NodeJS.Dict<string | string[]>>((resolve, reject) => {
      const sent = get(
        { ...asked, headers: { Host: `app.example.test:${gateway.port}` } },
        (response) => {
          response
            .resume()
            .once("end", () =>
              resolve({ ...response.headers, status: String(response.statusCode) }),
            );
        },
      );
      sent.once("error", reject);
    });
    assert.equal(headers["status"], "302");
    const [cookie, browserCookie] = headers["set-cookie"] ?? [];
    assert.match(
      String(browserCookie),
      /^__Host-postern_browser=[\w-]{32}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    assert.match(
      String(cookie),
      /^CF_AppSession=[\w-]{32}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    assert.ok(
      String(headers["location"]).startsWith(
        `https://login.example.test:${gateway.port}/cdn-cgi/access/login/app.example.test:${gateway.port}?`,
      ),
    );
    assert.equal(upstream.requests.length, 0);
  },
);

test("where programs are to hear it, a 401 says that nobody is known, and browsers still sign in", async (context) => {
  const told = { service_auth_401_redirect: true };
  const access = await startAccessFixture(context, [
    application("app", [machines, only(ada)], told),
    application("machines", [machines], told),
    application("silent", [machines]),
    application("people", [only(ada)], told),
  ]);
  for (const lines of [[], ["Accept: */*"], ["Sec-Fetch-Mode: cors", "Accept: text/html"]]) {
    const answer = await access.refused(401, "/", lines);
    assert.match(answer.headers["www-authenticate"] ?? "", /^Cloudflare-Access realm=/);
    assert.equal(answer.headers["location"], undefined);
    assert.equal(answer.headers["set-cookie"], undefined);
  }
  for (const lines of [["Accept: text/html"], ["Sec-Fetch-Mode: navigate"]])
    await access.refused(302, "/", lines);
  const browser = ["Sec-Fetch-Mode: navigate", "Accept: text/html"];
  const alone = await access.refused(401, "/", browser, { host: "machines.localhost" });
  assert.match(alone.body, /for programs with a service token/);
  await access.refused(403, "/", [], { host: "silent.localhost" });
  await access.refused(302, "/", [], { host: "people.localhost" });
  await access.passed("/", robotPair);
  await access.passed("/", robotPair, { host: "machines.localhost" });
  const adas = [`cf-access-token: ${await access.token("app")}`];
  await access.passed("/", adas);
  const bobs = [`cf-access-token: ${await access.token("app", bob)}`];
  await access.refused(403, "/", bobs);
});

test("who cannot follow a redirect gets a 401 that says so, and no state", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  for (const method of ["GET", "HEAD", "POST"]) {
    for (const lines of [
      ["Accept: application/json"],
      ["Accept: application/json", "Sec-Fetch-Mode: navigate"],
      ["Accept: "],
      ["Accept: image/*"],
      ["Sec-Fetch-Mode: cors", "Accept: */*"],
      ["Sec-Fetch-Mode: no-cors"],
      ["X-Requested-With: XMLHttpRequest"],
      ["x-requested-with: xmlhttprequest", "Accept: text/html"],
    ]) {
      const answer = await access.refused(401, "/x", lines, { method });
      assert.equal(
        answer.headers["www-authenticate"],
        'Cloudflare-Access realm="app.localhost"',
        lines.join(),
      );
      assert.equal(answer.headers["location"], undefined);
      assert.equal(answer.headers["set-cookie"], undefined);
      assert.equal(answer.headers["content-type"], "application/json");
      assert.equal(answer.headers["cf-access-aud"], access.application("app").aud);
      assert.equal(answer.headers["cf-access-domain"], "app.localhost");
      if (method !== "HEAD") assert.equal(JSON.parse(answer.body).error, "not_signed_in");
    }
  }
});

test("a host or path that no application has is a 403 with the ray id, and says nothing of those that exist", async (context) => {
  const access = await startAccessFixture(context, [application("app/only", [open])]);
  for (const asked of [
    { host: "unknown.localhost" },
    { host: "localhost" },
    { host: "127.0.0.1" },
    {},
  ]) {
    for (const method of ["GET", "HEAD", "POST"]) {
      for (const accept of ["text/html", "application/json"]) {
        const answer = await access.refused(403, "/x", [`Accept: ${accept}`, ...robotPair], {
          ...asked,
          method,
        });
        assert.match(answer.headers["cf-ray"] ?? "", /^[0-9a-f]{16}$/);
        if (method !== "HEAD") assert.ok(answer.body.includes(answer.headers["cf-ray"] ?? "-"));
        for (const name of ["cf-access-aud", "cf-access-domain", "set-cookie", "location"])
          assert.equal(answer.headers[name], undefined, name);
      }
    }
  }
});

test("where signing in could not help nobody is sent to sign in", async (context) => {
  const office = { ...everybody, require: [{ ip: { ip: "10.0.0.0/8" } }] };
  const access = await startAccessFixture(context, [
    application("app", [machines]),
    application("app/none", []),
    application("app/office", [office]),
  ]);
  for (const path of ["/", "/none", "/office"]) {
    const answer = await access.refused(403, path, ["Accept: text/html"]);
    assert.equal(answer.headers["location"], undefined);
    assert.match(answer.headers["cf-access-aud"] ?? "", /^[0-9a-f]{64}$/);
  }
});

test("a client may ask whether its token still holds: 204, 403 or the way to sign in, and the origin never knows (6.9)", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [machines, only(ada)]),
    application("app/open", [open]),
  ]);
  const check = "/x?cloudflared_token_check=true";
  const [adas, bobs] = [await access.token("app", ada), await access.token("app", bob)];
  for (const target of [check, "/x?a=b&cloudflared_token_check=true&c=d"]) {
    for (const method of ["GET", "HEAD", "POST"]) {
      const good = await access.refused(204, target, [`cf-access-token: ${adas}`], { method });
      assert.equal(good.headers["cache-control"], "private, no-store");
      await access.refused(403, target, [`cf-access-token: ${bobs}`], { method });
      for (const token of [forged(adas), "x", await access.token("app/open")]) {
        const login = await access.refused(302, target, [`cf-access-token: ${token}`], { method });
        assert.match(login.headers["location"] ?? "", /\/cdn-cgi\/access\/login\//);
      }
      await access.refused(302, target, [], { method });
    }
  }
  await access.refused(204, check, [`Cookie: CF_Authorization=${adas}`]);
  await access.refused(204, check, robotPair);
  await access.refused(204, "/open?cloudflared_token_check=true");
  for (const query of [
    "cloudflared_token_check=false",
    "cloudflared_token_check",
    "xcloudflared_token_check=true",
    "a=cloudflared_token_check=true",
  ])
    assert.equal(
      (await access.passed(`/x?${query}`, [`cf-access-token: ${adas}`])).url,
      `/x?${query}`,
    );
});
