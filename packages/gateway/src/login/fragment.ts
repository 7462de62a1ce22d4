// The fragment of an address (`#/reports/7`), which browsers never send. They keep it over
// redirects, and lose it with the first form: so the sign-in page sends it along, and the last
// redirect has it again. Without its script it is lost; nothing else depends on it.

/** The field of a form that brings it. */
export const fragmentField = "fragment";

/** Fills that field in. Its text is fixed: the page's policy allows it by its hash. */
export const fragmentScript = `for(const e of document.getElementsByName("${fragmentField}"))e.value=location.hash.slice(1)`;

/** Characters: what is sealed into a cookie with it is as long already. */
const longest = 1_000;

/** @returns undefined for what is none, or would need another spelling in a header */
export function readFragment(text: string | undefined): string | undefined {
  if (text === undefined || text.length > longest) return undefined;
  return /^[!-~]+$/.test(text) ? text : undefined;
}
