// A forward proxy that also stands for the name service: every name that it is asked for leads to
// one server.
import { createServer, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { TestContext } from "node:test";

export interface Proxy {
  /** for HTTPS_PROXY */
  url: string;
  /** `host:port` of each tunnel, in order */
  tunnels: string[];
  /**
   * requests that asked for anything but a tunnel, which could be read on the way: URL and headers
   */
  readable: { url: string; headers: IncomingHttpHeaders }[];
  /** what the proxy was told with each tunnel */
  headers: IncomingHttpHeaders[];
  /** answered instead of opening a tunnel */
  refusal: number | undefined;
}

/** @param port where every tunnel ends, on this machine */
export async function startProxy(context: TestContext, port: number): Promise<Proxy> {
  const server = createServer((request, response) => {
    proxy.readable.push({ url: request.url ?? "", headers: request.headers });
    response.end("in the clear");
  });
  server.on("connect", (request, socket) => {
    proxy.tunnels.push(request.url ?? "");
    proxy.headers.push(request.headers);
    socket.on("error", () => {});
    if (proxy.refusal !== undefined) {
      socket.end(`HTTP/1.1 ${proxy.refusal} No\r\n\r\n`);
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    context.after(() => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels: [],
    readable: [],
    headers: [],
    refusal: undefined,
  };
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return proxy;
}
