// An OpenID Provider to try things with: its people are whoever types an address into its page, so
// it is for this machine alone.
//
//   node examples/provider/provider.mjs [--port 9500] [--redirect URL]
//
// It prints the issuer, the client ID and the secret that `postern init` asks for. Another team
// domain than login.localhost:8600 has another redirect URI: --redirect names it.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import Provider from "oidc-provider";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "9500" },
    redirect: {
      type: "string",
      default: "http://login.localhost:8600/cdn-cgi/access/callback",
    },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log("node examples/provider/provider.mjs [--port 9500] [--redirect URL]");
  process.exit();
}
const issuer = `http://127.0.0.1:${values.port}`;
const client = {
  client_id: "postern",
  client_secret: "a-secret-for-this-machine-alone",
  redirect_uris: [values.redirect],
};
const provider = new Provider(issuer, {
  clients: [client],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
  findAccount: (_context, email) => ({
    accountId: email,
    claims: () => ({
      sub: email,
      email,
      email_verified: true,
      name: email.split("@")[0],
      groups: ["engineering"],
    }),
  }),
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  cookies: { keys: ["for this machine alone"] },
});
const callback = provider.callback();

const server = createServer((request, response) => {
  if (!request.url?.startsWith("/interaction/")) return callback(request, response);
  interact(request, response).catch((error) => response.writeHead(400).end(`${error.message}\n`));
});
server.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`An OpenID Provider is up. Whoever types an address is that person.

  issuer          ${issuer}
  client ID       ${client.client_id}
  client secret   ${client.client_secret}
  redirect to     ${values.redirect}

Press Ctrl-C to stop.`);
});

/** Asks for an address; who has typed one is signed in, and agrees to everything. */
async function interact(request, response) {
  const { prompt, params } = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    const hint = prompt.name === "login" ? "" : "hidden";
    response.end(`<!doctype html><title>Sign in</title><h1>A provider to try things with</h1>
<form method="post"><label ${hint}>Email <input name="email" type="email" value="ada@example.com"></label>
<button>Continue</button></form>`);
    return;
  }
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const email = new URLSearchParams(Buffer.concat(chunks).toString()).get("email") ?? "";
  if (!/^[^\s@]+@[^\s@]+$/.test(email))
    throw new Error("That is no address; go back and type one.");
  const grant = new provider.Grant({ accountId: email, clientId: params.client_id });
  grant.addOIDCScope("openid email profile");
  await provider.interactionFinished(request, response, {
    login: { accountId: email },
    consent: { grantId: await grant.save() },
  });
}
