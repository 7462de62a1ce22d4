// The kinds of rule that this gateway can judge (access-features 4.3), one line each.
export { anyValidServiceToken } from "./any-valid-service-token.ts";
export { authMethod } from "./auth-method.ts";
export { email } from "./email.ts";
export { emailDomain } from "./email-domain.ts";
export { everyone } from "./everyone.ts";
export { group } from "./group.ts";
export { ip } from "./ip.ts";
export { loginMethod } from "./login-method.ts";
export { oidc } from "./oidc.ts";
export { oidcToken } from "./oidc-token.ts";
export { serviceToken } from "./service-token.ts";
