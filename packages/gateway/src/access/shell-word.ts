// Addresses in lines that people paste into a shell. A path is the client's, or that of whoever
// made somebody follow a link: `/$(id)` must not run there.

/** Characters that are themselves in every common shell, also without quotes. */
const plain = /^[A-Za-z0-9_./:@+,-]+$/;

/**
 * A URL as one word of a shell: as it is where it can be, else with each character escaped that a
 * shell could read. The escapes are the URL's own, since no quotes hold in all shells.
 * @param url printable ASCII
 */
export function shellWord(url: string): string {
  if (plain.test(url)) return url;
  return url.replace(/[^A-Za-z0-9_./:@+,%-]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase();
    return `%${code.padStart(2, "0")}`;
  });
}
