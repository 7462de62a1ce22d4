// One case of each kind: the bytes of a connection, and the pieces in which they arrive.
import fc from "fast-check";

/** The bytes of one connection. */
export interface Case {
  bytes: Buffer;
  /** places at which the network cuts them */
  cuts: readonly number[];
}

/** The answer to one request. */
export interface ResponseCase extends Case {
  /** of the request */
  method: "GET" | "HEAD";
  /** whether the connection ends behind the bytes */
  closes: boolean;
}

/** Mostly none: the readers that are compared are told the same anyway. */
export const cuts: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<number[]>([]) },
  { weight: 1, arbitrary: fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 4 }) },
);

/** The pieces of a case, of which none is empty. */
export function piecesOf({ bytes, cuts: places }: Case): Buffer[] {
  if (places.length === 0) return [bytes];
  const inside = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  const edges = [0, ...inside, bytes.length];
  return edges
    .slice(1)
    .map((edge, index) => bytes.subarray(edges[index], edge))
    .filter(({ length }) => length > 0);
}
