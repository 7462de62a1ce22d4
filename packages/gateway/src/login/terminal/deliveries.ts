// Answers that are on their way to terminals which do not confirm them (wire-protocol 6.6). A box
// counts as taken once it is written out; where the connection breaks before that, it stays for the
// next poll.

import type { RecordEvent } from "../../observe/events.ts";
import { stackOf } from "../../observe/events.ts";
import type { Mailboxes } from "./mailboxes.ts";

/** The boxes that this process is writing out. */
export class Deliveries {
  readonly #mailboxes: Mailboxes;
  readonly #record: RecordEvent;
  readonly #underWay = new Set<string>();

  constructor({ mailboxes, record }: { mailboxes: Mailboxes; record: RecordEvent }) {
    this.#mailboxes = mailboxes;
    this.#record = record;
  }

  /** Whether the box is being written to another poll. */
  isUnderWay(id: string): boolean {
    return this.#underWay.has(id);
  }

  /** Begins a delivery: the box is taken if `isWritten` comes true. */
  begin(id: string, isWritten: Promise<boolean>): void {
    this.#underWay.add(id);
    void isWritten.then((isTaken) => this.#end(id, isTaken));
  }

  async #end(id: string, isTaken: boolean): Promise<void> {
    try {
      if (isTaken) await this.#mailboxes.move(id, "sealed", "delivered");
    } catch (error) {
      this.#record({ event: "delivery_not_noted", error: stackOf(error) });
    }
    this.#underWay.delete(id);
    // Another poll may have waited for how this one ends.
    this.#mailboxes.changed(id);
  }
}
