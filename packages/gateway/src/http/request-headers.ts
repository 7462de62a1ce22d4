// The few request headers that decide something, picked out of the raw list in one pass. The list
// is what the client sent: nothing was joined or dropped, so that a header sent twice is seen twice
// (cases H1, H10).

export interface RequestHeaders {
  host: string[];
  cookie: string[];
  accessToken: string[];
  clientId: string[];
  clientSecret: string[];
  forwardedFor: string[];
  forwardedProto: string[];
  forwardedHost: string[];
  accept: string | undefined;
  origin: string | undefined;
  requestedWith: string | undefined;
  fetchMode: string | undefined;
  metadataRequest: string | undefined;
  preflightMethod: string | undefined;
  preflightHeaders: string | undefined;
  /** there is a body: `Content-Length` other than 0, or `Transfer-Encoding` */
  hasBody: boolean;
  /** the body has no stated length */
  chunked: boolean;
  /**
   * a transfer coding other than `chunked` alone: where the body ends is anybody's guess (case H7)
   */
  unknownCoding: boolean;
  /** the client waits for a go-ahead before it sends the body (RFC 9110 section 10.1.1) */
  expectsContinue: boolean;
  asksForWebSocket: boolean;
}

const none: string[] = [];

export function readHeaders(raw: readonly string[]): RequestHeaders {
  const found: RequestHeaders = {
    host: none,
    cookie: none,
    accessToken: none,
    clientId: none,
    clientSecret: none,
    forwardedFor: none,
    forwardedProto: none,
    forwardedHost: none,
    accept: undefined,
    origin: undefined,
    requestedWith: undefined,
    fetchMode: undefined,
    metadataRequest: undefined,
    preflightMethod: undefined,
    preflightHeaders: undefined,
    hasBody: false,
    chunked: false,
    unknownCoding: false,
    expectsContinue: false,
    asksForWebSocket: false,
  };
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    // Only a name of a length that matters is looked at: most are not even lowered.
    switch (name.length) {
      case 4:
        if (is(name, "host")) found.host = add(found.host, value);
        break;
      case 6:
        if (is(name, "cookie")) found.cookie = add(found.cookie, value);
        else if (is(name, "accept"))
          found.accept = found.accept === undefined ? value : `${found.accept}, ${value}`;
        else if (is(name, "origin")) found.origin = value;
        else if (is(name, "expect")) found.expectsContinue = value.toLowerCase() === "100-continue";
        break;
      case 7:
        if (is(name, "upgrade")) found.asksForWebSocket = value.toLowerCase() === "websocket";
        break;
      case 14:
        if (is(name, "sec-fetch-mode")) found.fetchMode = value;
        else if (is(name, "content-length")) found.hasBody ||= value !== "0";
        break;
      case 15:
        if (is(name, "cf-access-token")) found.accessToken = add(found.accessToken, value);
        else if (is(name, "x-forwarded-for")) found.forwardedFor = add(found.forwardedFor, value);
        break;
      case 16:
        if (is(name, "x-forwarded-host")) found.forwardedHost = add(found.forwardedHost, value);
        else if (is(name, "x-requested-with")) found.requestedWith = value;
        break;
      case 17:
        if (is(name, "x-forwarded-proto")) found.forwardedProto = add(found.forwardedProto, value);
        else if (is(name, "transfer-encoding")) {
          found.unknownCoding ||= found.chunked || value.toLowerCase() !== "chunked";
          found.hasBody = found.chunked = true;
        }
        break;
      case 19:
        if (is(name, "cf-access-client-id")) found.clientId = add(found.clientId, value);
        break;
      case 23:
        if (is(name, "cf-access-client-secret"))
          found.clientSecret = add(found.clientSecret, value);
        break;
      case 26:
        if (is(name, "cf-access-metadata-request")) found.metadataRequest = value;
        break;
      case 29:
        if (is(name, "access-control-request-method")) found.preflightMethod = value;
        break;
      case 30:
        if (is(name, "access-control-request-headers")) found.preflightHeaders = value;
        break;
    }
  }
  return found;
}

function is(name: string, lower: string): boolean {
  return name === lower || name.toLowerCase() === lower;
}

function add(values: string[], value: string): string[] {
  return values.length === 0 ? [value] : [...values, value];
}

/**
 * Every value of a header that no field above has, for the names that the configuration chooses.
 */
export function valuesOf(raw: readonly string[], name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (let index = 0; index < raw.length; index += 2)
    if (raw[index]?.toLowerCase() === wanted) values.push(raw[index + 1] ?? "");
  return values;
}
