// What a browser does first: asks for the page. Every name leads to this machine.
import { get } from "node:http";

const { host, port, pathname, search } = new URL(process.argv[2] ?? "");
get({ hostname: "127.0.0.1", port, path: pathname + search, headers: { Host: host } }, (answer) =>
  answer.resume(),
);
