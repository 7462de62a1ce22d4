// The service that nginx `auth_request` asks: the least a person would write, without looking at
// the token at all.
import { createServer } from "node:http";

const port = Number(process.argv[2]);
createServer((_request, response) => {
  response.writeHead(204);
  response.end();
}).listen(port, "127.0.0.1", () => console.log("listening"));
