/** Equal to the package's version; a test compares them. */
export const version = "0.1.0";

/** The official client whose command line this one stands in for. */
const officialVersion = "2026.8.2";

/** What `version --short` prints: the number alone. */
export function shortVersionLine(name: "postern" | "cloudflared"): string {
  return `${name === "postern" ? version : officialVersion}\n`;
}

/**
 * What `--version` prints. Under the official client's name in its form, for scripts that parse it.
 */
export function versionLine(name: "postern" | "cloudflared"): string {
  if (name === "postern") return `postern ${version}\n`;
  return `cloudflared version ${officialVersion} (postern ${version})\n`;
}
