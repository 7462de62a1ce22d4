// How this gateway proves at a provider's token address who it is (OpenID Connect Core 9): as
// configured, else as the provider says that it takes.
import { createPrivateKey, type KeyObject } from "node:crypto";
import { importPKCS8 } from "jose";
import * as openid from "openid-client";
import type { ClientAuthMethod, OidcConfig } from "../../model/model.ts";

/**
 * The method for a provider.
 * @param offered what its discovery document lists; undefined: it lists nothing
 */
export function clientAuthMethod(
  config: OidcConfig,
  offered: readonly string[] | undefined,
): ClientAuthMethod {
  if (config.token_endpoint_auth_method !== undefined) return config.token_endpoint_auth_method;
  if (config.private_key !== undefined) return "private_key_jwt";
  if (config.client_secret === undefined) return "none";
  // OpenID Connect Discovery 3: who lists nothing takes `client_secret_basic`.
  if (offered === undefined) return "client_secret_basic";
  return secretMethods.find((method) => offered.includes(method)) ?? "client_secret_post";
}

/**
 * In order of preference. In `client_secret_basic` the secret is form-encoded first (RFC 6749
 * 2.3.1), and providers that forget to decode it refuse secrets with `-`, `~` and the like.
 */
const secretMethods = ["client_secret_post", "client_secret_basic", "client_secret_jwt"] as const;

/**
 * Adds to a request to the token address what proves this client, by the method for the provider
 * that it goes to.
 */
export function clientAuthentication(config: OidcConfig): openid.ClientAuth {
  let key: Promise<openid.CryptoKey> | undefined;
  return async (server, client, body, headers) => {
    const method = clientAuthMethod(config, server.token_endpoint_auth_methods_supported);
    if (method === "private_key_jwt")
      key ??= privateKey(config, server.token_endpoint_auth_signing_alg_values_supported);
    const authenticate = authentication(config, method, await key);
    await authenticate(server, client, body, headers);
  };
}

function authentication(
  { client_secret, private_key_id }: OidcConfig,
  method: ClientAuthMethod,
  key: openid.CryptoKey | undefined,
): openid.ClientAuth {
  switch (method) {
    case "client_secret_basic":
      return openid.ClientSecretBasic(client_secret);
    case "client_secret_post":
      return openid.ClientSecretPost(client_secret);
    case "client_secret_jwt":
      return openid.ClientSecretJwt(client_secret);
    case "private_key_jwt":
      return openid.PrivateKeyJwt(privateKeyOf(key, private_key_id));
    case "none":
      return openid.None();
  }
}

function privateKeyOf(
  key: openid.CryptoKey | undefined,
  kid: string | undefined,
): openid.CryptoKey | openid.PrivateKey {
  if (key === undefined) throw new Error("private_key is missing");
  return kid === undefined ? key : { key, kid };
}

/** The configured private key is none that can sign. */
class UnusableKeyError extends Error {
  readonly code = "POSTERN_UNUSABLE_KEY";
}

/** @throws {UnusableKeyError} */
async function privateKey(
  { private_key = "" }: OidcConfig,
  algorithms: readonly string[] | undefined,
): Promise<openid.CryptoKey> {
  try {
    const key = createPrivateKey(private_key);
    const pem = key.export({ type: "pkcs8", format: "pem" }).toString();
    return await importPKCS8(pem, signingAlgorithm(key, algorithms));
  } catch (cause) {
    throw new UnusableKeyError("private_key is not a key that can sign", { cause });
  }
}

function signingAlgorithm(key: KeyObject, offered: readonly string[] | undefined): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa") return offered?.find((each) => /^(?:RS|PS)\d+$/.test(each)) ?? "RS256";
  if (type === "ed25519") return "EdDSA";
  return ellipticAlgorithms[details?.namedCurve ?? ""] ?? "ES256";
}

const ellipticAlgorithms: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};
