// The licences of what a bundle contains, as their authors ask: each text in whole, once.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @param {string} root what the paths are relative to
 * @param {readonly string[]} modules paths of the files that are in the bundle
 * @throws {Error} when a package has no licence that could be named
 */
export function licencesOf(root, modules) {
  const folders = new Set(modules.map(packageFolder).filter((folder) => folder !== undefined));
  const sections = [...folders].map((folder) => licenceOf(join(root, folder))).sort();
  return `This package contains the following works of others.\n\n${sections.join("\n")}`;
}

/** `node_modules/@noble/ciphers/salsa.js` → `node_modules/@noble/ciphers` */
function packageFolder(input) {
  const match = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
  return match?.[0];
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (typeof license !== "string") throw new Error(`${name} says no licence in its package.json`);
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (texts.length === 0) texts.push(...licenceInReadme(folder));
  if (texts.length === 0)
    throw new Error(`${name} ${version} comes without the text of its licence`);
  const title = `${name} ${version} (${license})`;
  return `${"=".repeat(72)}\n${title}\n${"=".repeat(72)}\n\n${texts.join("\n\n")}\n`;
}

/** What follows the heading of that name, where it is the whole text. */
function licenceInReadme(folder) {
  const readme = readFileSync(join(folder, "README.md"), "utf8");
  const [, text = ""] = /^#+ licen[cs]e\s*\n([\s\S]*)/im.exec(readme) ?? [];
  return /copyright/i.test(text) && /warrant/i.test(text) ? [text.trim()] : [];
}
