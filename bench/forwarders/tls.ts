// `PORT ORIGIN CERTIFICATE KEY`: ends TLS and passes bytes on to the origin, a connection for each,
// and looks at nothing: the least that node:tls costs.
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { createServer } from "node:tls";

const [, , port, origin, certificate = "", key = ""] = process.argv;
const credentials = { cert: readFileSync(certificate), key: readFileSync(key) };
createServer({ ...credentials, noDelay: true }, (client) => {
  const upstream = createConnection({ port: Number(origin), host: "127.0.0.1", noDelay: true });
  client.pipe(upstream).pipe(client);
  client.on("error", () => upstream.destroy());
  upstream.on("error", () => client.destroy());
}).listen(Number(port), "127.0.0.1");
