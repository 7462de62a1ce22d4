// What is asked of a terminal. The descriptor is asked first: merely looking at `process.stdin` or
// at the stream of a pipe loads Node's networking and makes the pipe non-blocking, for a tool that
// this process runs or becomes as well.

type StandardDescriptor = 0 | 1 | 2;

/** Whether the descriptor is a terminal. */
export function isTerminal(descriptor: StandardDescriptor): boolean {
  return process.getBuiltinModule("node:tty").isatty(descriptor);
}

/** The height in rows; undefined where it is no terminal, or one that does not know. */
export function terminalRows(descriptor: 1 | 2): number | undefined {
  if (!isTerminal(descriptor)) return undefined;
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  return stream.rows || undefined;
}

/** The width in columns; undefined where it is no terminal, or one that does not know. */
export function terminalColumns(descriptor: 1 | 2): number | undefined {
  if (!isTerminal(descriptor)) return undefined;
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  return stream.columns || undefined;
}
