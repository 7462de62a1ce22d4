// Spans, and how OTLP over HTTP writes them as JSON (OpenTelemetry protocol 1.x, "JSON Protobuf
// encoding"): ids in hex, times in nanoseconds as text.

/** A piece of work that has ended. */
export interface Span {
  /** 32 hex characters */
  traceId: string;
  /** 16 hex characters */
  spanId: string;
  parentId: string | undefined;
  name: string;
  kind: SpanKind;
  /** milliseconds since the epoch, with a fraction */
  start: number;
  end: number;
  /** an attribute that is undefined is left out */
  attributes: Readonly<Record<string, string | number | undefined>>;
  isError: boolean;
}

/** `server`: a request that came in; `client`: one that went out. */
export type SpanKind = "internal" | "server" | "client";

const kinds: Record<SpanKind, number> = { internal: 1, server: 2, client: 3 };
const errorCode = 2;

/** The body of a request to a collector. */
export function exportRequest(spans: readonly Span[]): object {
  const resource = { attributes: attributesOf({ "service.name": "postern" }) };
  const scopeSpans = [{ scope: { name: "postern" }, spans: spans.map(jsonOf) }];
  return { resourceSpans: [{ resource, scopeSpans }] };
}

function jsonOf(span: Span): object {
  const { traceId, spanId, parentId = "", name, kind, start, end, attributes, isError } = span;
  return {
    traceId,
    spanId,
    parentSpanId: parentId,
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf(attributes),
    status: isError ? { code: errorCode } : {},
  };
}

/** Of a time of now, a double has no room for nanoseconds: microseconds are exact. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1_000)}000`;
}

function attributesOf(attributes: Span["attributes"]): object[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const isNumber = typeof value === "number";
    return [{ key, value: isNumber ? { intValue: String(value) } : { stringValue: value } }];
  });
}
