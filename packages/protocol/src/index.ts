// What crosses the wire. Exports are listed by hand: adding one is a decision.
export {
  type ApplicationPattern,
  type CompiledPattern,
  compareSpecificity,
  compilePattern,
  parsePattern,
} from "./application-pattern.ts";
export {
  type AppClaims,
  checkTimes,
  clockTolerance,
  type DecodedToken,
  decodeToken,
  type MatchClaims,
  type MetaClaims,
  maxTokenLength,
  type OrgClaims,
  type PassClaims,
  readClaims,
  readMatchClaims,
} from "./claims.ts";
export { parseDuration } from "./durations.ts";
export { cookies, endpoints, headers, reservedPrefix, tokenCheckArgument } from "./endpoints.ts";
export { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
export { loginCode } from "./login-code.ts";
export { isLoopbackHost, loopbackAddress } from "./loopback.ts";
export { pathGlob } from "./path-glob.ts";
export {
  decodeTransferKey,
  encodeTransferKey,
  generateTransferKeyPair,
  openTokens,
  sealTokens,
  type TransferKeyPair,
  type TransferredTokens,
  transferKeyPairFromPrivateBytes,
} from "./token-transfer.ts";
