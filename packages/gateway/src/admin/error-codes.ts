// Every error of the admin API: its own number, its status, and its words where nothing better can
// be said. Numbers are ours and never change. No status is one that clients repeat a request for by
// themselves, but for 429 and 5xx (access-api 1.2).

/** name → number, status and words */
export const errorCodes = {
  no_route: [7003, 404, "No route for this URI."],
  bad_method: [7001, 405, "This URI does not take this method."],
  bad_request: [7002, 400, "The request cannot be read."],
  body_too_large: [7004, 413, "The body is larger than 1 MiB."],
  bad_content_type: [7005, 415, "The body must be application/json."],
  forbidden_host: [7006, 403, "This listener is not reached by this host name."],
  forbidden_origin: [7007, 403, "Pages of other origins cannot use this API."],
  not_authenticated: [
    10_000,
    401,
    "Authentication failed; send Authorization: Bearer with a token of `postern admin-token create`.",
  ],
  not_permitted: [10_001, 403, "The token does not permit this."],
  too_many_failures: [
    10_002,
    429,
    "Too many unknown tokens came from this network; wait a minute.",
  ],
  not_found: [12_001, 404, "There is no such object."],
  no_account: [12_002, 404, "There is no such account."],
  no_zone: [12_003, 404, "There are no zones here; use /accounts/{account_id} instead."],
  invalid: [12_130, 400, "The object is not valid."],
  in_use: [12_131, 400, "The object is in use."],
  managed_by_file: [12_132, 400, "The object is in the configuration file; change it there."],
  too_busy: [12_140, 429, "Others have asked the same; try again in a minute."],
  too_large: [12_141, 400, "This takes longer than a minute; ask for less at once."],
  warning: [12_200, 200, "The object is valid, but hardly meant."],
  internal: [11_000, 500, "The gateway made a mistake; its log tells more."],
  // A database that is lost while it confirms may have written it: nobody can say.
  unavailable: [
    11_001,
    503,
    "The store cannot be used now; look whether a change was made before you repeat it.",
  ],
} as const satisfies Record<string, readonly [code: number, status: number, message: string]>;

export type ErrorName = keyof typeof errorCodes;

/** An error or a remark of an answer, in the form of the envelope. */
export interface ApiError {
  code: number;
  message: string;
  source?: { pointer: string };
}

/**
 * One entry of `errors` or `messages`.
 * @param message default: the words of the table
 * @param pointer JSON Pointer of the field (RFC 6901)
 */
export function apiError(name: ErrorName, message?: string, pointer?: string): ApiError {
  const [code, , words] = errorCodes[name];
  const error = { code, message: message ?? words };
  return pointer === undefined ? error : { ...error, source: { pointer } };
}
