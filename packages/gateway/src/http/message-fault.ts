/** Why bytes are no request of HTTP/1.1, or none that can be read in one way only. */
export type MessageFault =
  /** the request line is none */
  | "malformed_request_line"
  /** a well-formed line of a version that is not spoken here, or of HTTP/0.9 */
  | "bad_version"
  /** a field, in the head or behind the body, is none */
  | "malformed_header"
  | "head_too_large"
  /** `Content-Length` is no number, or there are two */
  | "malformed_length"
  /** a transfer coding other than `chunked`, once */
  | "unknown_coding"
  | "coding_in_http_1_0"
  /** both `Content-Length` and `Transfer-Encoding` */
  | "two_framings"
  | "malformed_chunk"
  /** the client has ended its side in the middle of a head */
  | "incomplete"
  | "head_timeout";
