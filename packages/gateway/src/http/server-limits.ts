/** How much and how long a client may take before its request is known, and after. */
export interface ServerLimits {
  /** request line and headers of a request; of HTTP/2, what its header list may hold */
  header_bytes: number;
  /** milliseconds for the head of a request, and for a TLS handshake */
  header_timeout: number;
  /** milliseconds for which an idle connection is kept */
  idle_timeout: number;
  /**
   * milliseconds for which a client may take nothing of its answer, or, after it, leave its request
   * incomplete
   */
  body_timeout: number;
  /** requests in progress on one HTTP/2 connection */
  http2_streams: number;
}
