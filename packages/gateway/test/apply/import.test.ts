// `postern import cloudflare`: from our own admin API, which serves an account as Cloudflare does,
// and from servers that answer oddly.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { CommandCall } from "../../src/command-call.ts";
import { ConfigurationCommands } from "../../src/configuration-commands.ts";
import { resultOf, startAdminFixture } from "../admin/admin-fixture.ts";
import { Administrator } from "./apply-fixture.ts";

interface Said {
  printed: string;
  told: string[];
  error: (Error & { code?: string }) | undefined;
}

async function importFrom(url: string, accountId: string, token: string): Promise<Said> {
  const said: Said = { printed: "", told: [], error: undefined };
  const commands = new ConfigurationCommands({
    environment: { CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_ACCOUNT_ID: accountId },
    withStore: () => Promise.reject(new Error("no store is opened here")),
    randomBytes,
    now: Date.now,
  });
  const call: CommandCall = {
    command: "import",
    args: ["cloudflare"],
    flags: { url: [url] },
    example: "postern import cloudflare > objects.yaml",
  };
  try {
    await commands.import(call, {
      tell: (line) => said.told.push(line),
      print: (text) => {
        said.printed += text;
      },
    });
  } catch (error) {
    said.error = error as Error;
  }
  return said;
}

/** A server that answers as somebody else's. */
async function startOdd(context: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`;
}

/** An account with these answers by path; what is not there is empty. */
function accountWith(answers: Record<string, unknown>): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? "", "http://odd.test");
    const path = url.pathname.replace(/^\/client\/v4\/accounts\/[^/]+/, "");
    const whole = answers[path] ?? (path.endsWith("organizations") ? { name: "Odd" } : []);
    const isLater = Array.isArray(whole) && url.searchParams.get("page") !== "1";
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ success: true, errors: [], messages: [], result: isLater ? [] : whole }),
    );
  };
}

test("an account that our own API serves comes whole, and applied elsewhere it is the same", async (context) => {
  const source = await startAdminFixture(context, { identity_providers: [], applications: [] });
  const { api, address, accountId } = source;
  const corp = resultOf(
    await api.post("/access/identity_providers", {
      name: "Corp",
      type: "oidc",
      config: {
        client_id: "postern",
        client_secret: "told-to-nobody",
        issuer: "https://idp.example.com",
      },
    }),
    201,
  );
  const group = { name: "Staff", include: [{ login_method: { id: corp.id } }] };
  const staff = resultOf(await api.post("/access/groups", group), 201);
  const include = [{ group: { id: staff.id } }];
  const reusable = resultOf(
    await api.post("/access/policies", { name: "Staff only", decision: "allow", include }),
    201,
  );
  for (let number = 0; number < 60; number++) {
    const body = {
      name: `App ${number}`,
      domain: `app-${number}.example.com`,
      policies: [reusable.id],
    };
    resultOf(await api.post("/access/apps", body), 201);
  }
  resultOf(await api.post("/access/service_tokens", { name: "CI" }), 201);

  const said = await importFrom(`${address}/client/v4`, accountId, api.secret);
  assert.equal(said.error, undefined, String(said.error?.stack));
  assert.doesNotMatch(said.printed, /told-to-nobody/);
  assert.deepEqual(said.told, [
    "These secrets cannot come:",
    '  service token "CI": client_secret',
  ]);
  const target = await startAdminFixture(context, { identity_providers: [], applications: [] });
  const applied = await new Administrator(context, target).apply(said.printed);
  assert.equal(applied.error, undefined, String(applied.error));
  assert.match(applied.printed, /^Created 65, updated 0, deleted 0, unchanged 0\.$/m);
  const namesOf = async ({ api: reader }: typeof source) =>
    resultOf(await reader.get("/access/apps?per_page=1000"))
      .map(({ id, name, aud, policies }: Record<string, unknown[]>) =>
        JSON.stringify([id, name, aud, policies?.map((each) => (each as { id: string }).id)]),
      )
      .toSorted();
  assert.deepEqual(await namesOf(target), await namesOf(source));
});

test("what cannot come is named, and nothing gets laxer by it", async (context) => {
  const github = { id: "gh", name: "GitHub", type: "github", config: { client_secret: "s3cr3t" } };
  const own = (name: string, more: object) => ({
    ...{ id: `own-${name}`, name, decision: "allow", include: [{ everyone: {} }] },
    ...more,
  });
  const url = await startOdd(
    context,
    accountWith({
      "/access/identity_providers": [github],
      "/gateway/lists": [{ id: "urls", name: "URLs", type: "URL", items: [] }],
      "/access/groups": [
        {
          id: "g1",
          name: "Team",
          include: [{ "github-organization": { name: "x", identity_provider_id: "gh" } }],
        },
        { id: "g2", name: "Team", include: [{ login_method: { id: "gh" } }] },
      ],
      "/access/policies": [
        {
          id: "p1",
          name: "approved",
          decision: "allow",
          reusable: true,
          approval_required: true,
          include: [{ everyone: {} }],
        },
        {
          id: "p2",
          name: "denied",
          decision: "deny",
          reusable: true,
          approval_required: true,
          include: [{ everyone: {} }],
        },
        {
          id: "p3",
          name: "everybody",
          decision: "allow",
          reusable: true,
          future_field: 1,
          include: [{ everyone: {} }],
        },
      ],
      "/access/apps": [
        {
          ...{ id: "a1", name: "By GitHub", type: "self_hosted", domain: "a1.example.com" },
          ...{ allowed_idps: ["gh"], policies: [own("all", {})] },
        },
        {
          ...{ id: "a2", name: "Denying", type: "self_hosted", domain: "a2.example.com" },
          policies: [
            { id: "p2", reusable: true, precedence: 1 },
            { id: "p3", reusable: true, precedence: 2 },
          ],
        },
        {
          ...{
            id: "a3",
            // biome-ignore lint/suspicious/noTemplateCurlyInString: as somebody wrote it
            name: "${file:/etc/passwd}\u001b[2J",
            type: "self_hosted",
            domain: "a3.example.com",
          },
          policies: [
            own("second", { precedence: 2 }),
            own("first", { precedence: 1 }),
            { id: "p1", reusable: true },
          ],
        },
        { id: "a4", name: "Salesforce", type: "saas", saas_app: { sp_entity_id: "x" } },
        {
          ...{ id: "a5", name: "Terminal", type: "ssh", domain: "ssh.example.com" },
          policies: [own("all", {})],
        },
        "not an object",
      ],
    }),
  );
  const said = await importFrom(url, "0".repeat(32), "token");
  assert.equal(said.error, undefined, String(said.error?.stack));
  const told = said.told.join("\n");
  for (const text of ["s3cr3t", "\u001b"]) assert.ok(!(said.printed + told).includes(text));
  assert.match(told, /identity provider "GitHub" is left out: type/);
  assert.match(told, /list "URLs" is left out: type/);
  assert.match(told, /group "Team": another has this name; it is now Team \(g2\)/);
  assert.match(
    told,
    /group "Team": include\[0\]: the identity provider of login_method does not come/,
  );
  assert.match(told, /policy "approved" is left out: approval_required/);
  assert.match(told, /policy "everybody": left out: future_field/);
  assert.match(
    told,
    /application "By GitHub": none of its identity providers can come, so it lets nobody in/,
  );
  assert.match(
    told,
    /application "Denying": its policy "denied", which denies, cannot come, so it lets nobody in/,
  );
  assert.match(told, /application "Terminal": type ssh cannot come; its address is kept/);
  assert.match(told, /\/access\/apps: something in it is no object/);

  // What came is a file that can be applied, and nobody enters where nobody could say who may.
  const target = await startAdminFixture(context, { identity_providers: [], applications: [] });
  const applied = await new Administrator(context, target).apply(said.printed);
  assert.equal(applied.error, undefined, String(applied.error));
  const apps = resultOf(await target.api.get("/access/apps"));
  const policiesOf = (id: string) =>
    apps
      .find((each: { id: string }) => each.id === id)
      .policies.map(({ name }: { name: string }) => name);
  assert.deepEqual(["a1", "a2", "a5"].map(policiesOf), [[], [], []]);
  assert.deepEqual(policiesOf("a3"), ["first", "second"]);
  const odd = apps.find(({ id }: { id: string }) => id === "a3");
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as somebody wrote it
  assert.ok(odd.name.startsWith("${file:/etc/passwd}"));
});

test("answers that do not end, that are no answers, or that are too much come to an end with one line", async (context) => {
  let served = 0;
  const endless = await startOdd(context, (request, response) => {
    served++;
    const isList = !request.url?.includes("organizations");
    const items = Array.from({ length: 50 }, () => ({
      id: randomBytes(8).toString("hex"),
      name: "x",
    }));
    const result = isList ? items : { name: "Odd" };
    response.end(JSON.stringify({ success: true, errors: [], messages: [], result }));
  });
  const without = await importFrom(endless, "0".repeat(32), "token");
  assert.match(
    String(without.error?.message),
    /\/access\/apps cannot be read: it has more than 20000 objects$/,
  );
  assert.ok(served <= 500, `${served} requests`);
  assert.equal(without.printed, "");

  const same = await startOdd(context, (_request, response) => {
    const result = [{ id: "a", name: "A", type: "saas" }];
    response.end(JSON.stringify({ success: true, errors: [], messages: [], result }));
  });
  const repeated = await importFrom(same, "0".repeat(32), "token");
  assert.equal(repeated.error, undefined);

  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  for (const [body, expected] of [
    ["<html>", /not as the API does/],
    ['{"success": "yes"}', /not as the API does/],
    [`{"success": true, "result": [{"id": "x", "deep": ${deep}}]}`, undefined],
    [
      '{"success": false, "errors": [{"message": "Authentication error\\u001b[2J"}]}',
      /Authentication error\\x1b\[2J/,
    ],
  ] as const) {
    const url = await startOdd(context, (_request, response) => response.end(body));
    const said = await importFrom(url, "0".repeat(32), "token");
    if (expected === undefined) assert.equal(said.error, undefined, String(said.error));
    else assert.match(String(said.error?.message), expected);
    for (const text of ["\n", "\u001b"]) assert.ok(!String(said.error?.message).includes(text));
  }
  const elsewhere = await startOdd(context, (_request, response) => {
    response.writeHead(302, { location: `${endless}/stolen` }).end();
  });
  served = 0;
  const led = await importFrom(elsewhere, "0".repeat(32), "token");
  assert.match(String(led.error?.message), /answered 302, and not as the API does/);
  assert.equal(served, 0);
});
