// How tests speak with a gateway: HTTP/1.1, or HTTP/2 where POSTERN_TEST_HTTP is 2. `npm test` runs
// the files that are listed in scripts/test.mjs once with each.
import { request } from "node:http";
import { http2Request } from "./http2-request.ts";

/** Whether this run speaks HTTP/2 with gateways. */
export const speaksHttp2 = process.env["POSTERN_TEST_HTTP"] === "2";

/** As `request` of node:http. */
export const gatewayRequest: typeof http2Request = speaksHttp2 ? http2Request : plainRequest;

function plainRequest(options: Parameters<typeof http2Request>[0]): ReturnType<typeof request> {
  return request(options);
}
