// What a reader of HTTP/1.1 made of the bytes of one connection, in the form in which readers are
// compared: the messages in order, and why there is no further one.

/** One message as a reader saw it. Text is latin1: a character for each byte. */
export interface Message {
  /** of a request: method and target; of a response: the status */
  start: readonly string[];
  /** header names in lower case and values without blanks around them, in turn, in order */
  fields: readonly string[];
  body: string;
  /** as `fields`; undefined where the reader does not tell */
  trailers: readonly string[] | undefined;
  /** whether its last byte was seen */
  complete: boolean;
  /** bytes of the connection up to its end; undefined where the reader does not tell */
  end: number | undefined;
  /** whether the reader goes on to no other message: the connection ends, or is a tunnel */
  last: boolean;
}

/** Why a reader has no further message. */
export type Outcome =
  /** every byte belongs to a message that is complete */
  | "whole"
  /** the last message, or the beginning of one, waits for more bytes */
  | "partial"
  /** what follows is no message to it */
  | "refused"
  /** what follows is not looked at, because of the message before */
  | "closed";

/** What a reader made of the bytes of a connection. */
export interface Reading {
  messages: readonly Message[];
  outcome: Outcome;
  /** of `refused`: the reader's own word */
  reason?: string;
  /** incomplete messages do not show in `messages` */
  onlyComplete?: boolean;
}

/** Reads the bytes of one connection in the pieces in which they arrive. */
export interface Reader {
  name: string;
  read(pieces: readonly Buffer[]): Reading;
}

/** @returns names in lower case, values without blanks around them */
export function plainFields(rawFields: readonly string[]): string[] {
  return rawFields.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : trimmed(text)));
}

/** The values of one field. @param fields as `Message` has them */
export function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, index) => index % 2 === 1 && fields[index - 1] === name);
}

function trimmed(text: string): string {
  return text.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
}
