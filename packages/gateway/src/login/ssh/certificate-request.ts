// What a program sends that wants an SSH certificate (wire-protocol 10), and how it is refused: the
// client reads JSON with the status and one sentence, whatever went wrong, and shows the sentence.
import { maxTokenLength } from "@postern/protocol";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { isFromBrowser } from "../fetch-metadata.ts";
import type { LoginContext } from "../login-context.ts";
import { readBodyText } from "../request-text.ts";
import { sendJson } from "../responses.ts";

const longestBody = 16_384;

// Clients that are newer than this may say more.
const certificateRequest = z.object({
  /** a line of `authorized_keys` */
  public_key: z.string(),
  /** the application's token */
  jwt: z.string().max(maxTokenLength),
  /** of the token */
  issuer: z.string(),
});

export type CertificateRequest = z.infer<typeof certificateRequest>;

/** Why no certificate is signed, for whoever asked. */
export interface CertificateRefusal {
  ok: false;
  status: ContentfulStatusCode;
  /** one plain sentence */
  message: string;
}

/** Refuses with a sentence. */
export function refusal(status: ContentfulStatusCode, message: string): CertificateRefusal {
  return { ok: false, status, message };
}

/** Reads a request, whatever type its body says it has. */
export async function readCertificateRequest(
  c: LoginContext,
): Promise<{ ok: true; request: CertificateRequest } | CertificateRefusal> {
  const { method, host, catalog } = c.var.facts;
  const address = `${catalog.issuer}${c.var.facts.path}`;
  if (host !== catalog.teamHost)
    return refusal(404, `SSH certificates are signed on the team domain, at ${address}.`);
  if (method !== "POST") return refusal(405, "This address takes POST and nothing else.");
  // What a page sends bears no credential of its browser; it has no business here all the same.
  if (isFromBrowser(c)) return refusal(403, "This address is for programs, not for browsers.");

  const body = await readBodyText(c.req.raw, longestBody);
  if (!body.ok && body.fault === "too_long")
    return refusal(413, `The request is longer than ${longestBody} bytes.`);
  const request = body.ok ? parseRequest(body.text) : undefined;
  if (request === undefined)
    return refusal(
      400,
      'Send JSON like {"public_key":"ssh-ed25519 AAAA…","jwt":"…","issuer":"https://…"}.',
    );
  if (request.issuer !== catalog.issuer)
    return refusal(400, `The issuer of tokens here is ${catalog.issuer}; send that as issuer.`);
  return { ok: true, request };
}

function parseRequest(text: string): CertificateRequest | undefined {
  try {
    return certificateRequest.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Answers for a fault of ours. @param isBusy whether it is worth to try again soon */
export function sendFailure(c: LoginContext, isBusy: boolean): Response {
  if (isBusy) return sendRefusal(c, { status: 503, message: "The gateway is busy; try again." });
  return sendRefusal(c, {
    status: 500,
    message: "The gateway made a mistake; its log says which.",
  });
}

/** Answers in the form that clients of this endpoint read. */
export function sendRefusal(
  c: LoginContext,
  { status, message }: Pick<CertificateRefusal, "status" | "message">,
): Response {
  if (status === 405) c.header("Allow", "POST");
  return sendJson(c, status, { status, message });
}
