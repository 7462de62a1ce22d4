/** What the gateway says itself on the data path, as plain data. */
export interface LocalAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}
