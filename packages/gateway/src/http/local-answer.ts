/** What the gateway says itself on the data path, as plain data. */
export interface LocalAnswer {
  status: number;
  /** a list becomes several lines */
  headers: Record<string, string | string[]>;
  body: string;
}
