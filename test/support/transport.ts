// Which transport of HTTP/1.1 the gateways of this run have: `POSTERN_TEST_TRANSPORT=node` for that
// over node:http, otherwise the one by default.
export const overNodeHttp = process.env["POSTERN_TEST_TRANSPORT"] === "node";
