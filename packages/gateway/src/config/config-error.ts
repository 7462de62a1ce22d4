/**
 * A configuration that cannot be put into force. The message has one `file:line: field: what to do`
 * line per problem.
 */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}
