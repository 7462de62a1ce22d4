import { createTransport } from "nodemailer";

/** Sends one plain-text message. @throws {Error} when the mail server did not take it */
export type SendMail = (message: { to: string; subject: string; text: string }) => Promise<void>;

const timeoutMs = 20_000;

/**
 * Sends over the configured SMTP server.
 * @param smtp `url` is `smtp://` or `smtps://`, with user and password where needed
 */
export function createSendMail(smtp: { url: string; from: string }): SendMail {
  const transport = createTransport({
    url: smtp.url,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // A message is made of our own text; nothing in it may name a file or an address to be read.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async ({ to, subject, text }) => {
    await transport.sendMail({ from: smtp.from, to: { name: "", address: to }, subject, text });
  };
}
