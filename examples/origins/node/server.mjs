// An origin that believes the gateway's signature and nothing else.
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { ISSUER, AUD, CERTS_URL = `${ISSUER}/cdn-cgi/access/certs`, PORT = "3000" } = process.env;
if (!ISSUER || !AUD) throw new Error("set ISSUER and AUD");

// Keeps the keys, and fetches them again at most once a minute when a token names an unknown one.
const keys = createRemoteJWKSet(new URL(CERTS_URL), {
  cooldownDuration: 60_000,
  cacheMaxAge: 3_600_000,
});

async function verify(request) {
  const assertion = request.headersDistinct["cf-access-jwt-assertion"] ?? [];
  if (assertion.length !== 1) throw new Error("exactly one assertion is needed");
  const { payload } = await jwtVerify(assertion[0], keys, {
    algorithms: ["RS256"],
    issuer: ISSUER,
    audience: AUD,
    requiredClaims: ["exp"],
  });
  if (payload.type !== "app") throw new Error("not a token for an application");
  return payload;
}

createServer(async (request, response) => {
  try {
    const { email = "", common_name } = await verify(request);
    const headers = { "Content-Type": "application/json", "X-Verified-Email": email };
    response.writeHead(200, headers);
    response.end(JSON.stringify({ email, common_name }));
  } catch {
    response.writeHead(403, { "Content-Type": "application/json" });
    response.end('{"error":"this request did not come through the gateway"}');
  }
}).listen(Number(PORT), "127.0.0.1", () => console.error("listening"));
