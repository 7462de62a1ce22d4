// The kinds of rule that this gateway can judge (access-features 4.3), one line each.
export { anyValidServiceToken } from "./any-valid-service-token.ts";
export { authMethod } from "./auth-method.ts";
export { email } from "./email.ts";
export { emailDomain } from "./email-domain.ts";
export { emailList } from "./email-list.ts";
export { everyone } from "./everyone.ts";
export { geo } from "./geo.ts";
export { group } from "./group.ts";
export { ip } from "./ip.ts";
export { ipList } from "./ip-list.ts";
export { linkedAppToken } from "./linked-app-token.ts";
export { loginMethod } from "./login-method.ts";
export { method } from "./method.ts";
export { oidc } from "./oidc.ts";
export { oidcToken } from "./oidc-token.ts";
export { path } from "./path.ts";
export { serviceToken } from "./service-token.ts";
