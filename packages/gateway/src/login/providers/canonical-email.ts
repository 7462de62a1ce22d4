/**
 * The one spelling of an email address, under which people are known, counted and matched (cases
 * L10, L12): exactly one `@`, ASCII only, all lower-case, a domain of plain labels. Quoted local
 * parts, comments, spaces and look-alike letters are refused rather than repaired.
 * @returns undefined when it is not such an address
 */
export function canonicalEmail(text: string): string | undefined {
  const parts = text.length > 254 ? [] : text.toLowerCase().split("@");
  const [local = "", domain = ""] = parts;
  // toLowerCase turns a few letters beyond ASCII into ASCII ones (the Kelvin sign into k), so look
  // before it.
  if (parts.length !== 2 || /[^\x21-\x7e]/.test(text)) return undefined;
  if (!/^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/.test(local)) return undefined;
  return domain.split(".").every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
    ? `${local}@${domain}`
    : undefined;
}
