// The types of identity provider, one line each.
export { oidc } from "./oidc.ts";
export { oneTimePin } from "./one-time-pin.ts";
