// In which form an answer of the gateway's own is given that says what is wrong (wire-protocol 4):
// a page to who looks at pages, JSON where it is asked for, one line of text to everybody else.

/** The forms of an answer. */
export type AnswerForm = "page" | "json" | "text";

/** What a request says about the answer that it wants, each as its header has it. */
export interface FormWishes {
  accept?: string | undefined;
  /** `Sec-Fetch-Mode` */
  fetchMode?: string | undefined;
  /** `X-Requested-With` */
  requestedWith?: string | undefined;
}

/** The form that fits a request. */
export function answerForm({ accept, fetchMode, requestedWith }: FormWishes): AnswerForm {
  if (requestedWith?.toLowerCase() === "xmlhttprequest") return "json";
  if (fetchMode === "navigate") return "page";
  if (fetchMode !== undefined && fetchMode !== "websocket") return "json";

  const types = wantedTypes(accept);
  if (types.includes("text/html") || types.includes("application/xhtml+xml")) return "page";
  return types.some(isJson) ? "json" : "text";
}

/** The media types of an `Accept` header that are wanted at all, without their parameters. */
export function wantedTypes(accept = ""): string[] {
  const ranges = accept.toLowerCase().split(",");
  const isWanted = (range: string) => !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range);
  return ranges.filter(isWanted).map((range) => (range.split(";", 1)[0] ?? "").trim());
}

function isJson(type: string): boolean {
  return type === "application/json" || type.endsWith("+json");
}
