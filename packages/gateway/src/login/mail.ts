// Mail over SMTP: one plain-text message at a time, and why the server did not take it.
import { isIP } from "node:net";
import type { Transporter } from "nodemailer";

/** A plain-text message. */
export interface Message {
  to: string;
  subject: string;
  text: string;
}

/** Sends one message. @throws {Error} when the mail server did not take it; see `isForNow` */
export type SendMail = (message: Message) => Promise<void>;

/** The mail server, and what the gateway calls itself there. */
export interface MailServer {
  /** `smtp://` or `smtps://`, with user and password where needed */
  url: string;
  from: string;
  /** how the gateway greets the server (EHLO, RFC 5321 4.1.1.1); default: the machine's name */
  heloName?: string;
  /** `required`: nothing is sent without TLS; `offered`: with TLS where the server offers it */
  starttls?: "offered" | "required";
}

const timeoutMs = 20_000;

/** Sends over an SMTP server. What speaks SMTP is loaded with the first message: it is large. */
export function createSendMail(server: MailServer): SendMail {
  let transport: Promise<Transporter> | undefined;
  return async ({ to, subject, text }) => {
    transport ??= openTransport(server);
    await (await transport).sendMail({
      from: server.from,
      to: { name: "", address: to },
      subject,
      text,
      // Nobody's absence is answered to the gateway (RFC 3834 5).
      headers: { "Auto-Submitted": "auto-generated" },
    });
  };
}

async function openTransport({ url, heloName, starttls }: MailServer): Promise<Transporter> {
  const { createTransport } = await import("nodemailer");
  return createTransport({
    url,
    ...(heloName === undefined ? {} : { name: heloName }),
    requireTLS: starttls === "required",
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // A message is made of our own text; nothing in it may name a file or an address to be read.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** A host as it stands in EHLO: an address is a literal in brackets (RFC 5321 4.1.3). */
export function heloNameOf(hostname: string): string {
  const host = hostname.replace(/^\[|\]$/g, "");
  switch (isIP(host)) {
    case 4:
      return `[${host}]`;
    case 6:
      return `[IPv6:${host}]`;
    default:
      return host;
  }
}

/** What nodemailer says of a failure. */
interface MailError extends Error {
  /** a code of its own, such as `EAUTH`, or of the system, such as `ECONNREFUSED` */
  code?: string;
  /** what was refused: `MAIL FROM`, `RCPT TO`, `DATA` */
  command?: string;
  /** the reply of the server (RFC 5321 4.2) */
  responseCode?: number;
  /** the same, with its words */
  response?: string;
}

/** Faults of the set-up: the same message fails again until somebody changes something. */
const lastingFaults = new Set(["EAUTH", "ETLS", "EMESSAGE", "ENOAUTH", "EOAUTH2"]);

/**
 * Whether the same message may be taken later: the server said so (RFC 5321 4.2.1, replies 4xx), or
 * could not be reached.
 */
export function isForNow(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = "", responseCode } = error as MailError;
  if (responseCode !== undefined) return responseCode >= 400 && responseCode < 500;
  return !lastingFaults.has(code);
}

/** An address, a mailbox or a policy, such as greylisting (RFC 3463 3.2, 3.3, 3.8). */
const recipientStatus = /^\d{3}[ -][245]\.[127]\./;

/**
 * Whether the server refused this recipient, for now or for good, and may take messages to others:
 * it answers for the recipient at RCPT, and some servers do so when they have seen the message. One
 * that ends the connection (421) ends it for everybody.
 */
export function isAboutRecipient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { command, response = "" } = error as MailError;
  if (command === "RCPT TO") return true;
  return command === "DATA" && recipientStatus.test(response);
}
