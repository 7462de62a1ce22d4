// Header fields that a server wants arguments of a tool in: `x-mcp-header` in the tool's schema
// (MCP 2026-07-28, "Custom Headers from Tool Parameters"). They are learnt from the lists of tools
// that pass by. A tool whose annotation breaks the rules is taken out of its list, as the revision
// demands of a client over HTTP.
import { fieldOf, isObject, type Message, type MessagePart, readMessage } from "./json-rpc.ts";

/** An argument, by the path of property names that leads to it, and the field that repeats it. */
interface MirroredArgument {
  header: string;
  path: readonly string[];
}

/** More tools, and deeper schemas, than any server has. */
const mostTools = 10_000;
const deepest = 20;

const fieldNamePrefix = "mcp-param-";
const annotation = "x-mcp-header";

/** What is known of the tools of one server. */
export class ToolHeaders {
  readonly #argumentsOf = new Map<string, readonly MirroredArgument[]>();

  /**
   * Learns from the result of `tools/list`.
   * @returns the tools that must not be shown, each with the reason
   */
  learn(result: unknown): RefusedTool[] {
    const tools = fieldOf(result, "tools");
    if (!Array.isArray(tools)) return [];
    return tools.flatMap((tool: unknown) => this.#learnTool(tool) ?? []);
  }

  #learnTool(tool: unknown): RefusedTool | undefined {
    const name = fieldOf(tool, "name");
    if (typeof name !== "string") return undefined;
    try {
      const mirrored = mirroredArguments(fieldOf(tool, "inputSchema"));
      if (this.#argumentsOf.size < mostTools) this.#argumentsOf.set(name, mirrored);
      return undefined;
    } catch (error) {
      if (!(error instanceof BadAnnotation)) throw error;
      return { tool, name, reason: error.message };
    }
  }

  /** The fields for one call of a tool, values not yet encoded. */
  fieldsFor(params: unknown): Record<string, string> {
    const mirrored = this.#argumentsOf.get(String(fieldOf(params, "name"))) ?? [];
    const fields: Record<string, string> = {};
    for (const { header, path } of mirrored) {
      const text = textOf(path.reduce(fieldOf, fieldOf(params, "arguments")));
      if (text !== undefined) fields[`${fieldNamePrefix}${header}`] = text;
    }
    return fields;
  }
}

export interface RefusedTool {
  /** as it stands in the list */
  tool: unknown;
  name: string;
  reason: string;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

class BadAnnotation extends Error {}

/** @throws {BadAnnotation} */
function mirroredArguments(schema: unknown): MirroredArgument[] {
  const mirrored = annotationsBelow(schema, []);
  const reachable = mirrored.length;
  if (annotationsAnywhere(schema, 0) > reachable)
    throw new BadAnnotation(`${annotation} stands where no path of properties leads`);
  const names = new Set(mirrored.map(({ header }) => header));
  if (names.size < reachable) throw new BadAnnotation(`${annotation} names one header twice`);
  return mirrored;
}

/** Follows `properties`, and nothing else. */
function annotationsBelow(schema: unknown, path: readonly string[]): MirroredArgument[] {
  if (!isObject(schema) || path.length > deepest) return [];
  const own = annotation in schema ? [mirroredArgument(schema, path)] : [];
  const properties = fieldOf(schema, "properties");
  if (!isObject(properties)) return own;
  const below = Object.entries(properties).flatMap(([name, each]) =>
    annotationsBelow(each, [...path, name]),
  );
  return [...own, ...below];
}

const mirroredTypes: ReadonlySet<unknown> = new Set(["string", "integer", "boolean"]);

/** A field name (RFC 9110 5.1). */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

function mirroredArgument(
  schema: Record<string, unknown>,
  path: readonly string[],
): MirroredArgument {
  const header = schema[annotation];
  if (typeof header !== "string" || !token.test(header))
    throw new BadAnnotation(`${annotation} is no field name`);
  if (path.length === 0 || !mirroredTypes.has(schema["type"]))
    throw new BadAnnotation(`${annotation} stands at what is no string, integer or boolean`);
  return { header: header.toLowerCase(), path };
}

/**
 * How many annotations there are, wherever they stand. A property that bears the name is none: its
 * value is a schema.
 */
function annotationsAnywhere(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null || depth > 2 * deepest) return 0;
  const own = typeof fieldOf(value, annotation) === "string" ? 1 : 0;
  const below = Object.values(value).map((each: unknown) => annotationsAnywhere(each, depth + 1));
  return below.reduce((sum, each) => sum + each, own);
}

/** The answer to `tools/list` without some of its tools. */
export function withoutTools(
  { body }: MessagePart,
  refused: readonly RefusedTool[],
): Message | undefined {
  const result = fieldOf(body, "result");
  const tools = fieldOf(result, "tools");
  if (!isObject(result) || !Array.isArray(tools)) return undefined;
  const isRefused = (tool: unknown) => refused.some((each) => each.tool === tool);
  const rest = tools.filter((tool: unknown) => !isRefused(tool));
  return readMessage(JSON.stringify({ ...body, result: { ...result, tools: rest } }));
}
