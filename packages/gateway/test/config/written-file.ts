// A postern.yaml for tests: a small one in which all is right, and what the gateway says when a
// part of it is another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Config, ConfigError, loadConfig } from "../../src/config/load-config.ts";

export const file = "/etc/postern/postern.yaml";

export type Sections = Record<string, unknown>;

/** `written` are lines of YAML for the end of a sound file; the mistake is in the last of them. */
export type Mistake = [mistake: string, written: string, field: string, says: RegExp];

/** A configuration without warnings. */
export function soundSections(): Sections {
  return {
    auth_domain: "login.localhost:8600",
    listen: "127.0.0.1:8600",
    identity_providers: [
      {
        id: "corp",
        name: "Example SSO",
        type: "oidc",
        config: { client_id: "postern", issuer: "https://idp.example.com" },
      },
    ],
    ingress: [{ service: "http://127.0.0.1:3000" }],
    applications: [
      {
        name: "Orders API",
        domain: "api.localhost",
        policies: [
          {
            name: "people",
            decision: "allow",
            include: [{ email_domain: { domain: "example.com" } }],
          },
        ],
      },
    ],
  };
}

export interface Surroundings {
  environment?: Record<string, string>;
  /** default `/etc/postern/postern.yaml`, which need not exist */
  file?: string;
}

export function load(
  sections: Sections,
  surroundings: Surroundings = {},
): { config: Config; warnings: string[] } {
  return loadText(JSON.stringify({ ...soundSections(), ...sections }, null, 2), surroundings);
}

export function loadText(
  text: string,
  { environment = {}, file: named = file }: Surroundings = {},
) {
  return loadConfig({ text, file: named, environment });
}

/**
 * The sound file with these lines of YAML at its end, in the place of its own sections of the same
 * names.
 * @returns the text, and the number of the first of these lines
 */
export function withLines(lines: string): { text: string; first: number } {
  const replaced = [...lines.matchAll(/^(\w+):/gm)].map(([, section]) => section);
  const kept = Object.entries(soundSections()).filter(([section]) => !replaced.includes(section));
  const text = [
    ...kept.map(([section, value]) => `${section}: ${JSON.stringify(value)}`),
    lines,
  ].join("\n");
  return { text, first: kept.length + 1 };
}

/** What the gateway says of a wrong file, line by line. */
export function complaints(wrong: () => unknown): string[] {
  try {
    wrong();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.split("\n");
  }
  return assert.fail("the configuration was taken");
}

/** A line without the names beside indices: `groups[0] "staff".include` → `groups[0].include` */
export function withoutNames(line: string): string {
  return line.replaceAll(/(\w\[\d+\]) "(?:[^"\\]|\\.)*"/g, "$1");
}

/** One test for each: exactly one line, with the right place. */
export function testMistakes(mistakes: readonly Mistake[]): void {
  for (const [mistake, written, field, says] of mistakes) {
    test(`somebody who wrote ${mistake} hears where, and what to do`, () => {
      const { text, first } = withLines(written);
      const [line = "", ...more] = complaints(() => loadText(text));
      assert.deepEqual(more, []);
      assert.match(withoutNames(line), says);
      const where = `${file}:${first + written.split("\n").length - 1}: ${field}: `;
      assert.equal(withoutNames(line).slice(0, where.length), where);
    });
  }
}
