/**
 * The same text in one piece of memory of its own. A slice keeps all of the string that it was cut
 * from, and a token is cut from a line with all the cookies of an application; a joined string
 * keeps its parts apart. For what stays in a cache.
 * @param text of ASCII alone
 */
export function ownCopy(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
