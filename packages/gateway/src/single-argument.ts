/**
 * The value of an argument that a query holds exactly once. One that it holds twice counts as none:
 * two readers could each take another of the two (case H10).
 */
export function singleArgument(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}
