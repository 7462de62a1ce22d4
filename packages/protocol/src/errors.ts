/** Every way in which something that crossed the wire can be wrong. */
export type ProtocolErrorCode =
  | "bad_token"
  | "bad_claims"
  | "expired"
  | "bad_duration"
  | "bad_pattern"
  | "bad_key"
  | "bad_box";

/**
 * Something that crossed the wire is not what the protocol says. The message never holds a secret.
 */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
  }
}
