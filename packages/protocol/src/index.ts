// What crosses the wire. Exports are listed by hand: adding one is a decision. What loads nothing
// (`host`, `decode-token`, `durations`, `endpoints`, `websocket-frames`) is an entry of its own as
// well, so that a command need not load cryptography; `jws` and `websocket-handshake`, which load
// it, are only that (package.json), and so is how commands of both packages print (`printable`,
// `table`, `time-text`).
export {
  type CompiledPattern,
  compareSpecificity,
  compileExactPath,
  compilePath,
  compilePattern,
  parseExactPath,
  parsePattern,
} from "./application-pattern.ts";
export {
  type AppClaims,
  checkTimes,
  clockTolerance,
  type GrantClaims,
  isNumericDate,
  type MatchClaims,
  type MetaClaims,
  type OrgClaims,
  type PassClaims,
  readClaims,
  readMatchClaims,
} from "./claims.ts";
export {
  type CredentialScope,
  isGrantLabel,
  isScopeMethod,
  readScopePath,
  scopeLimits,
} from "./credential-scope.ts";
export { type DecodedToken, decodeToken, maxTokenLength } from "./decode-token.ts";
export { parseDuration } from "./durations.ts";
export {
  cookies,
  endpoints,
  halfCloseProtocol,
  headers,
  reservedPrefix,
  tokenCheckArgument,
} from "./endpoints.ts";
export { ProtocolError } from "./errors.ts";
export {
  fitsDns,
  isBracketedAddress,
  isHostName,
  isLoopbackHost,
  isPort,
  loopbackAddress,
  parseAuthority,
  withoutBrackets,
  withoutFinalDot,
} from "./host.ts";
export { loginCode } from "./login-code.ts";
export { pathGlob } from "./path-glob.ts";
export {
  decodeShortTransferKey,
  decodeTransferKey,
  encodeShortTransferKey,
  encodeTransferKey,
  generateTransferKeyPair,
  openTokens,
  sealTokens,
  type TransferKeyPair,
  type TransferredTokens,
  transferKeyPairFromPrivateBytes,
} from "./token-transfer.ts";
