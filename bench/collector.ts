// `PORT`: a collector of traces that takes what it gets and keeps nothing.
import { createServer } from "node:http";

const [, , port] = process.argv;

createServer((request, response) => {
  request.resume().on("end", () => response.end("{}"));
}).listen(Number(port), "127.0.0.1");
