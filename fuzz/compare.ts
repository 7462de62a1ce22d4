// Whether two readers agree on one connection, from the first message to the place where ours ends.
// Ours may refuse at any place: what it refuses goes nowhere. What it accepts, others must read the
// same way.
import type { Message, Reading } from "./reading.ts";

/** How another reader differs from ours. */
export interface Difference {
  /**
   * `disagrees`: the same bytes mean something else to it. `refuses`: it takes for no message what
   * ours accepts.
   */
  kind: "disagrees" | "refuses";
  /** one phrase, the same for all differences of a class */
  what: string;
}

/** What of a message is compared. */
export interface Comparison {
  /** method and target, or the status, as this reader would have them of ours */
  start(message: Message): readonly string[];
  /** the fields that this reader tells of */
  fields(message: Message): readonly string[];
}

/** Readers that tell all. */
export const everything: Comparison = {
  start: ({ start }) => start,
  fields: ({ fields }) => fields,
};

/** @returns undefined when they agree, or ours has refused before they differ */
export function compare(
  ours: Reading,
  theirs: Reading,
  comparison: Comparison = everything,
): Difference | undefined {
  for (let index = 0; ; index++) {
    const our = ours.messages[index];
    const their = theirs.messages[index];
    if (our === undefined) return afterOurLast(ours, their);
    if (their === undefined) return afterTheirLast(ours, our, theirs);
    const difference = compareMessages(our, their, comparison);
    if (difference !== undefined) return disagrees(difference);
    if (!our.complete) return ours.outcome === "refused" ? undefined : endOfPartial(their, theirs);
    if (!their.complete) return endOfTheirPartial(theirs);
    if (our.last || their.last) return undefined;
  }
}

function afterOurLast(ours: Reading, their: Message | undefined): Difference | undefined {
  const isOver = ours.outcome === "refused" || ours.outcome === "closed";
  if (isOver || their === undefined) return undefined;
  return disagrees(their.complete ? "sees a message more" : "sees the head of a message more");
}

function afterTheirLast(ours: Reading, our: Message, theirs: Reading): Difference | undefined {
  if (theirs.outcome === "closed") return undefined;
  if (!our.complete && ours.outcome === "refused") return undefined;
  if (theirs.onlyComplete === true && !our.complete) return undefined;
  if (theirs.outcome === "refused") return refuses(theirs);
  return disagrees("waits where ours has a message");
}

function endOfPartial(their: Message, theirs: Reading): Difference | undefined {
  if (their.complete) return disagrees("sees the end of a message for whose end ours waits");
  return theirs.outcome === "refused" ? refuses(theirs) : undefined;
}

function endOfTheirPartial(theirs: Reading): Difference | undefined {
  if (theirs.outcome === "refused") return refuses(theirs);
  return disagrees("waits for the end of a message whose end ours has seen");
}

function compareMessages(
  our: Message,
  their: Message,
  { start, fields }: Comparison,
): string | undefined {
  if (!isSameList(start(our), start(their))) return "sees another start line";
  if (!isSameList(fields(our), fields(their))) return "sees other fields";
  const areComplete = our.complete && their.complete;
  if (!areComplete) return isOnePrefix(our.body, their.body) ? undefined : "sees another body";
  if (our.body !== their.body) return "sees another body";
  if (!isSameIfKnown(our.end, their.end)) return "sees another end";
  if (our.trailers === undefined || their.trailers === undefined) return undefined;
  return isSameList(our.trailers, their.trailers) ? undefined : "sees other trailers";
}

function isSameIfKnown(our: number | undefined, their: number | undefined): boolean {
  return our === undefined || their === undefined || our === their;
}

function isSameList(ours: readonly string[], theirs: readonly string[]): boolean {
  return ours.length === theirs.length && ours.every((text, index) => text === theirs[index]);
}

function isOnePrefix(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function disagrees(what: string): Difference {
  return { kind: "disagrees", what };
}

function refuses({ reason = "" }: Reading): Difference {
  return { kind: "refuses", what: reason };
}
