/** Seconds since the epoch as RFC 3339 without fractions: `2027-01-31T00:00:00Z`. */
export function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
