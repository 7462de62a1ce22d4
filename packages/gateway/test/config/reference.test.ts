// docs/configuration.md has every field that the schemas take, with its default, and every example
// in it loads.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { testKeyPair } from "../../../../test/support/signing-keys.ts";
import { sections } from "../../src/config/sections.ts";
import { settingsFields } from "../../src/config/settings.ts";
import { policyLink } from "../../src/model/application-policies.ts";
import { inlinePolicy } from "../../src/model/policy.ts";
import { oidc } from "../../src/model/providers/oidc.ts";
import { selfSignedCertificate } from "../../src/tokens/certificate.ts";
import { loadText, withLines } from "./written-file.ts";

/** Each chapter of the page, and the schema of what it describes. */
const chapters: Readonly<Record<string, z.ZodObject>> = {
  "The process": z.strictObject(settingsFields),
  ...sections,
  identity_providers: fieldsIn("identity_providers").extend({
    config: oidc.config.prefault({ client_id: "" }),
  }),
  policies: z.strictObject({
    ...policyLink.shape,
    ...inlinePolicy.shape,
    ...fieldsIn("policies").shape,
  }),
};

function fieldsIn(section: string): z.ZodObject {
  const fields = sections[section];
  assert.ok(fields !== undefined, section);
  return fields;
}

/** Where in a file the fields of a chapter stand; for the others, below their own name. */
const places: Readonly<Record<string, readonly string[]>> = {
  "The process": [""],
  policies: ["policies[].", "applications[].policies[]."],
};

const page = readFileSync(join(import.meta.dirname, "../../../../docs/configuration.md"), "utf8");

interface Row {
  defaultCell: string;
  description: string;
}

for (const [chapter, schema] of Object.entries(chapters)) {
  test(`the chapter "${chapter}" of the page has every field of the schema, with its default`, () => {
    const documented = readTables(textOf(chapter));
    const fields = fieldsOf(schema);
    assert.deepEqual([...documented.keys()].toSorted(), [...fields.keys()].toSorted());
    for (const [field, fieldSchema] of fields) {
      const row = documented.get(field);
      assert.equal(row?.defaultCell, defaultOf(fieldSchema), `default of ${field}`);
      assert.equal(isRefused(fieldSchema), row?.description.startsWith("Refused"), field);
    }
  });

  test(`the chapter "${chapter}" of the page shows every field in an example that loads`, async () => {
    const text = textOf(chapter);
    const examples = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml = ""]) => yaml);
    const shown = new Set<string>();
    for (const example of examples) {
      assert.deepEqual(load(example, await exampleFolder()).warnings, [], example);
      for (const field of pathsIn(parse(example))) shown.add(field);
    }
    for (const [field, { description }] of readTables(text)) {
      if (/^(?:Refused|No effect)/.test(description)) continue;
      const paths = (places[chapter] ?? [listOrMap(chapter)]).map((place) => place + field);
      assert.ok(
        paths.some((path) => shown.has(path)),
        `no example shows ${field}`,
      );
    }
  });
}

test("the page has a chapter for every section of the file, and no other", () => {
  assert.deepEqual(
    new Set(Object.keys(chapters)),
    new Set(["The process", ...Object.keys(sections)]),
  );
  const titles = [...page.matchAll(/^## (.*)$/gm)].map(([, title = ""]) =>
    title.replaceAll("`", ""),
  );
  assert.deepEqual(titles, ["How the file is read", ...Object.keys(chapters)]);
});

function textOf(chapter: string): string {
  const parts = page.split(/^## /m);
  const text = parts.find((part) => part.split("\n", 1)[0]?.replaceAll("`", "") === chapter);
  assert.ok(text !== undefined, `no chapter "${chapter}"`);
  return text;
}

/** The rows of all tables of fields: `| field | type | default | does |`. */
function readTables(text: string): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  for (const [line] of text.matchAll(/^\| `.*$/gm)) {
    const [, name = "", , defaultCell = "", description = ""] = line
      .split("|")
      .map((cell) => cell.trim());
    const field = name.replaceAll("`", "");
    assert.ok(!rows.has(field), `${field} is there twice`);
    rows.set(field, { defaultCell: defaultCell.replaceAll("`", ""), description });
  }
  return rows;
}

/** Every field, those of maps and lists in it included: `tls.certificates[].cert_file`. */
function fieldsOf(schema: z.ZodObject, before = ""): Map<string, z.ZodType> {
  const fields = new Map<string, z.ZodType>();
  for (const [name, shape] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    fields.set(before + name, shape);
    const inner = unwrap(shape);
    const item = inner instanceof z.ZodArray ? unwrap(inner.element as z.ZodType) : undefined;
    if (inner instanceof z.ZodObject)
      for (const each of fieldsOf(inner, `${before}${name}.`)) fields.set(...each);
    if (item instanceof z.ZodObject)
      for (const each of fieldsOf(item, `${before}${name}[].`)) fields.set(...each);
  }
  return fields;
}

/**
 * Without what says that a field may be absent, and without what is done before and after it is
 * read.
 */
function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    return unwrap(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodPipe && schema.in instanceof z.ZodTransform)
    return unwrap(schema.out as z.ZodType);
  if (schema instanceof z.ZodPipe && schema.out instanceof z.ZodTransform)
    return unwrap(schema.in as z.ZodType);
  return schema;
}

/** As the page writes it: the value, `required`, or `none`. */
function defaultOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const value: unknown = schema.def.defaultValue;
    if (typeof value === "string") return value;
    return unwrap(schema) instanceof z.ZodObject ? "{}" : JSON.stringify(value);
  }
  return schema.safeParse(undefined).success ? "none" : "required";
}

function isRefused(schema: z.ZodType): boolean {
  const { error } = schema.safeParse(["x"]);
  return (
    error?.issues.some(({ message }) => message.startsWith("is not supported yet;")) === true &&
    schema.safeParse(false).success
  );
}

/** Every path of the file's fields, with `[]` for each item of a list. */
function pathsIn(value: unknown, before = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, `${before}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = before === "" ? name : `${before}.${name}`;
    return [path, ...pathsIn(inner, path)];
  });
}

function listOrMap(chapter: string): string {
  return chapter === "organization" ? `${chapter}.` : `${chapter}[].`;
}

function load(example: string, folder: string) {
  const environment = { CORP_SECRET: "a", SMTP_PASSWORD: "b", BACKUP_SECRET: "c" };
  return loadText(withLines(example).text, { environment, file: join(folder, "postern.yaml") });
}

let folder: string | undefined;
after(() => folder !== undefined && rmSync(folder, { recursive: true }));

/** A folder with the files that the examples name. */
async function exampleFolder(): Promise<string> {
  if (folder !== undefined) return folder;
  folder = mkdtempSync(join(tmpdir(), "postern-reference-"));
  const pair = await testKeyPair();
  const [notBefore, notAfter] = [new Date("2026-01-01"), new Date("2036-01-01")];
  const certificate = await selfSignedCertificate({
    ...pair,
    commonName: "x",
    notBefore,
    notAfter,
    randomBytes,
  });
  writeFileSync(join(folder, "example.com.pem"), certificate);
  writeFileSync(join(folder, "internal-ca.pem"), certificate);
  const key = pair.privateKey.export({ format: "pem", type: "pkcs8" });
  writeFileSync(join(folder, "example.com.key"), key);
  writeFileSync(join(folder, "partner.secret"), "a secret\n");
  return folder;
}
