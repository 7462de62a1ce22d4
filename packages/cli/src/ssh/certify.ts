// A short-lived certificate beside the key, where ssh looks for it: the stored one as long as it
// lasts, else another one from the gateway, checked before it takes the place of the old.
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { requestCertificate } from "../gateway-client/ssh-certificate.ts";
import type { Credential, SignInOptions } from "../sign-in/attempt.ts";
import { credentialFor } from "../sign-in/credential.ts";
import { rememberedApplication } from "../store/known-hosts.ts";
import { readPrivateFile, writePrivateFile } from "../store/private-files.ts";
import { withProcessLock } from "../store/process-lock.ts";
import { readAppToken, type StoredToken } from "../store/token-store.ts";
import { certificateFault, isLasting, publicKeyLine, readCertificate } from "./certificate.ts";
import { ensureKey, type KeyFiles, keyFilesOf } from "./key-files.ts";

/**
 * Makes sure that there is a key with a certificate that is good for a login now.
 * @param readOptions asked where somebody must sign in
 * @returns where they are
 * @throws {CliError} any code but usage
 */
export async function certify(
  context: Context,
  app: AppUrl,
  readOptions: () => SignInOptions,
): Promise<KeyFiles> {
  const files = keyFilesOf(context, app.host);
  if (isCertified(context, app, emailOf(context, app))) return files;

  const credential = await credentialFor(context, app, readOptions);
  return withProcessLock(context, `${files.key}.lock`, async () => {
    // Another process may have been here meanwhile.
    const isDone = isCertified(context, app, credential.stored?.email);
    if (!isDone) await renew(context, app, credential, readOptions);
    return files;
  });
}

/** Who is signed in, as far as it is known without asking. */
function emailOf(context: Context, app: AppUrl): string | undefined {
  const application = rememberedApplication(context, app);
  if (application === undefined) return undefined;
  return readAppToken(context, application)?.email;
}

/** Whether the stored certificate is for the stored key and for this person, and lasts. */
function isCertified(context: Context, app: AppUrl, email: string | undefined): boolean {
  const { key, certificate: path } = keyFilesOf(context, app.host);
  const line = readPrivateFile(context.home, path);
  const hasKey = readPrivateFile(context.home, key) !== undefined;
  if (email === undefined || line === undefined || !hasKey) return false;

  const certificate = readCertificate(line);
  const now = context.now() / 1000;
  if (certificate === undefined || !isLasting(certificate, now)) return false;
  return certificateFault(certificate, ensureKey(context, app), email, now) === undefined;
}

async function renew(
  context: Context,
  app: AppUrl,
  credential: Credential,
  readOptions: () => SignInOptions,
): Promise<void> {
  const point = ensureKey(context, app);
  const { line, email } = await signedLine(context, app, credential, point, readOptions);
  const fault = certificateFault(readCertificate(line), point, email, context.now() / 1000);
  if (fault !== undefined)
    throw new CliError(
      "unverified",
      `the SSH certificate for ${app.host} was not stored: ${fault}; ask whoever runs the gateway`,
    );
  const { certificate: path } = keyFilesOf(context, app.host);
  writePrivateFile(context.home, path, `${line.trim()}\n`);
}

/** Asks with the token, and once more with another where that is dead. */
async function signedLine(
  context: Context,
  app: AppUrl,
  credential: Credential,
  point: Buffer,
  readOptions: () => SignInOptions,
): Promise<{ line: string; email: string }> {
  const publicKey = publicKeyLine(point);
  const stored = tokenIn(app, credential);
  const answer = await requestCertificate(context, app, stored, publicKey);
  if (answer.kind === "certificate") return { line: answer.line, email: stored.email };

  const { findCredential, notSignedIn } = await import("../sign-in/login-flow.ts");
  const options = { ...readOptions(), check: true };
  const next = tokenIn(app, await findCredential(context, app, options));
  const secondAnswer = await requestCertificate(context, app, next, publicKey);
  if (secondAnswer.kind === "dead") throw notSignedIn(app);
  return { line: secondAnswer.line, email: next.email };
}

function tokenIn(app: AppUrl, { stored }: Credential): StoredToken {
  if (stored !== undefined) return stored;
  throw new CliError(
    "failure",
    `policy lets everybody reach ${app.bare} without a sign-in, so there is nobody to certify`,
  );
}
