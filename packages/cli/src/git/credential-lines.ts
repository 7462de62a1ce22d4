// What git says to a program that it asks for passwords, and what that says in return: lines of
// `name=value` up to an empty one (git-credential(1), "INPUT/OUTPUT FORMAT").

/** Names and values in their order; names that end with `[]` stand several times. */
export type CredentialLines = readonly (readonly [name: string, value: string])[];

export function readCredentialLines(text: string): CredentialLines {
  const lines = text.split("\n");
  return lines.slice(0, lines.indexOf("")).flatMap((line): [string, string][] => {
    const at = line.indexOf("=");
    return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
  });
}

export function credentialText(lines: CredentialLines): string {
  return `${lines.map(([name, value]) => `${name}=${value}\n`).join("")}\n`;
}

export function credentialValue(lines: CredentialLines, wanted: string): string | undefined {
  return lines.findLast(([name]) => name === wanted)?.[1];
}

/** What names the place that a credential is for. */
const placeNames = new Set(["protocol", "host", "path", "url"]);

/** The same for another place: what is known of the credential stays. */
export function forPlace(lines: CredentialLines, place: URL): CredentialLines {
  const others = lines.filter(([name]) => !placeNames.has(name));
  return [["protocol", place.protocol.replace(":", "")], ["host", place.host], ...others];
}
