/** Times and limits of the relay. */
export interface RelaySettings {
  /** how long a poll is held open; clients give up after 60 s of their own */
  holdMs: number;
  /**
   * how long the answer 429 is held back: a client that asks again at once must not become a flood
   */
  busyMs: number;
  /**
   * how often a mailbox is read while somebody waits for it, besides whenever it is said to have
   * changed
   */
  lookAgainMs: number;
  /**
   * new mailboxes for one network (IPv6: /64) in the life of one; an office behind one address fits
   * in
   */
  mailboxesPerNetwork: number;
  /** polls held for one network at a time in this process, those that wait for a 429 included */
  pollsPerNetwork: number;
}

/** The settings of a gateway; tests use shorter times. */
export const defaultRelaySettings: RelaySettings = {
  holdMs: 50_000,
  busyMs: 5_000,
  lookAgainMs: 10_000,
  mailboxesPerNetwork: 60,
  pollsPerNetwork: 200,
};
