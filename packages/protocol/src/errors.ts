/** What can be wrong with a value that crossed the wire. */
export type ProtocolErrorCode =
  | "bad_token"
  | "bad_claims"
  | "expired"
  | "bad_duration"
  | "bad_pattern"
  | "bad_key"
  | "bad_box";

/** A value from the wire breaks the protocol. The message never holds a secret. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;
  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
  }
}
