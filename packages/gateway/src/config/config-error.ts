/**
 * A configuration that cannot be put into force. The message has one `file:line: field: what to do`
 * line per problem.
 */
export class ConfigError extends Error {
  /** lines of the same form about what would load */
  readonly warnings: readonly string[];

  constructor(message: string, warnings: readonly string[] = []) {
    super(message);
    this.warnings = warnings;
    this.name = "ConfigError";
  }
}
