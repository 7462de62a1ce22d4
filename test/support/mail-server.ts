// A real SMTP server (smtp-server) in this process, on a free port of 127.0.0.1. It takes every
// message, unless a test scripts its replies.
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface ReceivedMail {
  to: string[];
  from: string;
  subject: string;
  /** the body as a reader sees it */
  text: string;
  /** the headers as they arrived */
  head: string;
  /** what the client called itself */
  helo: string;
}

/** What a client has come to: the connection, the sender, a recipient, or the whole message. */
export type MailStep = "connect" | "from" | "rcpt" | "data";

/** A reply, such as 451, with the words that go with it. */
export type MailRefusal = number | { code: number; text: string };

/** The reply that refuses a step; undefined lets it pass. */
export type RefuseMail = (step: MailStep, to: string) => MailRefusal | undefined;

export interface MailServer {
  /** for `smtp.url` */
  url: string;
  messages: ReceivedMail[];
  /** the next message to this address that nobody took yet, as soon as it is here */
  next(to: string): Promise<ReceivedMail>;
  close(): Promise<void>;
}

export async function startMailServer(refuse: RefuseMail = () => undefined): Promise<MailServer> {
  const messages: ReceivedMail[] = [];
  const untaken: ReceivedMail[] = [];
  const waiting = new Set<() => void>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    onConnect: (_session, done) => done(refusal(refuse("connect", ""))),
    onMailFrom: (_address, _session, done) => done(refusal(refuse("from", ""))),
    onRcptTo: ({ address }, _session, done) => done(refusal(refuse("rcpt", address))),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const [recipient] = session.envelope.rcptTo;
        const error = refusal(refuse("data", recipient?.address ?? ""));
        if (error !== undefined) {
          done(error);
          return;
        }
        const helo = session.hostNameAppearsAs || "";
        const mail = { ...read(Buffer.concat(chunks).toString(), session.envelope), helo };
        messages.push(mail);
        untaken.push(mail);
        done();
        for (const look of [...waiting]) look();
      });
    },
  });
  await new Promise<void>((resolve, reject) => {
    // Also that of a client which is killed in the middle of a message: that is nothing to report.
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    messages,
    next: (to) =>
      new Promise((resolve) => {
        const look = () => {
          const at = untaken.findIndex((mail) => mail.to.includes(to));
          const [mail] = at < 0 ? [] : untaken.splice(at, 1);
          if (mail === undefined) return;
          waiting.delete(look);
          resolve(mail);
        };
        waiting.add(look);
        look();
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function refusal(reply: MailRefusal | undefined): Error | undefined {
  if (reply === undefined) return undefined;
  const { code, text } = typeof reply === "number" ? { code: reply, text: "scripted" } : reply;
  return Object.assign(new Error(text), { responseCode: code });
}

/** The code in a message of the gateway. */
export function codeIn(mail: ReceivedMail): string {
  return /\b\d{6}\b/.exec(mail.text)?.[0] ?? "";
}

function read(
  raw: string,
  envelope: { mailFrom: false | { address: string }; rcptTo: { address: string }[] },
): Omit<ReceivedMail, "helo"> {
  const [head = "", ...rest] = raw.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  const quoted = /^content-transfer-encoding:\s*quoted-printable/im.test(head);
  return {
    to: envelope.rcptTo.map(({ address }) => address),
    from: envelope.mailFrom === false ? "" : envelope.mailFrom.address,
    subject: /^subject:\s*(.*)$/im.exec(head)?.[1]?.trim() ?? "",
    text: quoted ? unquote(body) : body,
    head,
  };
}

function unquote(text: string): string {
  const bytes = text
    .replace(/=\r?\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
