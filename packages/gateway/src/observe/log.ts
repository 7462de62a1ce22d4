// One structured line per event, on standard error. Fields that could hold a credential never get
// here; the redaction is the second line of defence, not the first.
import pino from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface Log {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

const secretFields = [
  "token",
  "secret",
  "client_secret",
  "pin",
  "cookie",
  "authorization",
  "nonce",
  "code",
];

export function createLog(level: LogLevel): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secretFields, censor: "(cut out)" },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
