// The few request headers that decide something, picked out of the raw list in one pass. The list
// is what the client sent: nothing was joined or dropped, so that a header sent twice is seen twice
// (cases H1, H10).

/** Lists hold every value in the order sent; of the other headers the last value counts. */
export interface RequestHeaders {
  host: readonly string[];
  cookie: readonly string[];
  accessToken: readonly string[];
  proof: readonly string[];
  clientId: readonly string[];
  clientSecret: readonly string[];
  forwardedFor: readonly string[];
  forwardedProto: readonly string[];
  forwardedHost: readonly string[];
  accept: string | undefined;
  origin: string | undefined;
  requestedWith: string | undefined;
  fetchMode: string | undefined;
  /**
   * there is a `Sec-Fetch-*`, or a WebSocket has an `Origin`, which is all that Chromium says of
   * one: browsers send these over https, and pages cannot change them
   */
  fromBrowser: boolean;
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
  /** the client expects something else (RFC 9110 section 10.1.1) */
  unknownExpectation: boolean;
  /** the client asks for a WebSocket, in a proper way or not */
  asksForWebSocket: boolean;
  /** a call of gRPC or gRPC-web: no browser navigates with one, and both sides may pause in it */
  isGrpc: boolean;
  /** `TE: trailers`: the client does something with trailers (RFC 9110 10.1.4) */
  wantsTrailers: boolean;
}

/**
 * Reads the headers of a request: names and values in turn, as they arrived.
 * @param upgrade as RequestHead has it: over HTTP/2 no header says it
 */
export function readHeaders(rawHeaders: readonly string[], upgrade?: string): RequestHeaders {
  const headers = emptyHeaders();
  headers.asksForWebSocket = upgrade === "websocket";
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    // Most names have a length that no header of the table has: they are not even lowered.
    const readers = readersByLength[name.length];
    if (readers === undefined) continue;
    const lower = name.toLowerCase();
    for (const reader of readers)
      if (reader.name === lower) reader.read(headers, rawHeaders[index + 1] ?? "");
  }
  headers.fromBrowser ||= headers.asksForWebSocket && headers.origin !== undefined;
  return headers;
}

const none: readonly string[] = [];

function emptyHeaders(): RequestHeaders {
  return {
    host: none,
    cookie: none,
    accessToken: none,
    proof: none,
    clientId: none,
    clientSecret: none,
    forwardedFor: none,
    forwardedProto: none,
    forwardedHost: none,
    accept: undefined,
    origin: undefined,
    requestedWith: undefined,
    fetchMode: undefined,
    fromBrowser: false,
    metadataRequest: undefined,
    preflightMethod: undefined,
    preflightHeaders: undefined,
    hasBody: false,
    chunked: false,
    unknownCoding: false,
    expectsContinue: false,
    unknownExpectation: false,
    asksForWebSocket: false,
    isGrpc: false,
    wantsTrailers: false,
  };
}

type ReadValue = (headers: RequestHeaders, value: string) => void;

/** What the value of each header becomes. */
const table: Record<string, ReadValue> = {
  host: every("host"),
  cookie: every("cookie"),
  "cf-access-token": every("accessToken"),
  "cf-access-dpop": every("proof"),
  "cf-access-client-id": every("clientId"),
  "cf-access-client-secret": every("clientSecret"),
  "x-forwarded-for": every("forwardedFor"),
  "x-forwarded-proto": every("forwardedProto"),
  "x-forwarded-host": every("forwardedHost"),
  origin: last("origin"),
  "x-requested-with": last("requestedWith"),
  "sec-fetch-mode"(headers, value) {
    headers.fetchMode = value;
    headers.fromBrowser = true;
  },
  "sec-fetch-site": markBrowser,
  "sec-fetch-dest": markBrowser,
  "sec-fetch-user": markBrowser,
  "cf-access-metadata-request": last("metadataRequest"),
  "access-control-request-method": last("preflightMethod"),
  "access-control-request-headers": last("preflightHeaders"),
  accept(headers, value) {
    headers.accept = headers.accept === undefined ? value : `${headers.accept}, ${value}`;
  },
  expect(headers, value) {
    headers.expectsContinue = value.toLowerCase() === "100-continue";
    headers.unknownExpectation ||= !headers.expectsContinue;
  },
  upgrade(headers, value) {
    headers.asksForWebSocket ||= webSocketAmong.test(value);
  },
  "content-type"(headers, value) {
    headers.isGrpc = grpcType.test(value);
  },
  te(headers, value) {
    headers.wantsTrailers ||= /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value);
  },
  "content-length"(headers, value) {
    headers.hasBody ||= value !== "0";
  },
  "transfer-encoding"(headers, value) {
    headers.unknownCoding ||= headers.chunked || value.toLowerCase() !== "chunked";
    headers.chunked = true;
    headers.hasBody = true;
  },
};

/** `Upgrade` is a list of protocols, each with or without its version (RFC 9110 7.8). */
const webSocketAmong = /(?:^|[,\t ])websocket(?:[/,\t ]|$)/i;

const grpcType = /^application\/grpc\b/i;

function markBrowser(headers: RequestHeaders): void {
  headers.fromBrowser = true;
}

interface HeaderReader {
  name: string;
  read: ReadValue;
}

const readersByLength = Array.from({ length: 32 }, (_, length): HeaderReader[] | undefined => {
  const readers = Object.entries(table).map(([name, read]) => ({ name, read }));
  const ofLength = readers.filter(({ name }) => name.length === length);
  return ofLength.length === 0 ? undefined : ofLength;
});

type FieldOf<Value> = {
  [Name in keyof RequestHeaders]: RequestHeaders[Name] extends Value ? Name : never;
}[keyof RequestHeaders];

/** Keeps every value: a header sent twice is seen twice. */
function every(field: FieldOf<readonly string[]>): ReadValue {
  return (headers, value) => {
    const values = headers[field];
    headers[field] = values.length === 0 ? [value] : [...values, value];
  };
}

function last(field: Exclude<FieldOf<string | undefined>, "accept">): ReadValue {
  return (headers, value) => {
    headers[field] = value;
  };
}

/** Every value of one header, in the order sent. For names that the table above does not have. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const lowerName = name.toLowerCase();
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === lowerName) values.push(rawHeaders[index + 1] ?? "");
  return values;
}
