/** Times and limits of the relay. */
export interface RelaySettings {
  /** how long a poll is held open; clients give up after 60 s of their own */
  holdMs: number;
  /**
   * how long the answer 429 is held back: a client that asks again at once must not become a flood
   */
  busyMs: number;
  /**
   * for how long a page waits for the terminal to do its part: the browser is often there before
   * the terminal's first poll, polls leave short gaps between them, and a terminal that is on the
   * line takes its answer at once
   */
  settlingMs: number;
  /** after how many seconds a page that waits for the terminal looks again by itself */
  refreshSeconds: number;
  /**
   * how often a mailbox is read while somebody waits for it, besides whenever it is said to have
   * changed
   */
  lookAgainMs: number;
  /** how long other processes take a terminal for being on the line, unless told otherwise */
  leaseMs: number;
  /**
   * how long after its last poll a terminal counts as gone for other processes: terminals leave
   * short gaps between two polls, and a stranger who hangs up and polls again causes no write
   */
  hangUpMs: number;
  /**
   * new mailboxes for one network (IPv6: /64) in the life of one; an office behind one address fits
   * in
   */
  mailboxesPerNetwork: number;
  /** polls held for one network at a time in this process, those that wait for a 429 included */
  pollsPerNetwork: number;
  /** polls held in this process at a time; networks with few polls have a reserve beyond */
  pollsInAll: number;
}

/** The settings of a gateway; tests use shorter times. */
export const defaultRelaySettings: RelaySettings = {
  holdMs: 50_000,
  busyMs: 5_000,
  settlingMs: 1_500,
  refreshSeconds: 3,
  // The feed of changes tells everything, and every poll begins with a look.
  lookAgainMs: Number.POSITIVE_INFINITY,
  leaseMs: 200_000,
  hangUpMs: 2_000,
  mailboxesPerNetwork: 60,
  pollsPerNetwork: 200,
  pollsInAll: 10_000,
};
