import type { LogLevel, Metafile } from "esbuild";

export function bundleGateway(options: {
  root: string;
  /** a folder, relative to `root` */
  source: string;
  /** files of it that are imported from outside */
  entries: readonly string[];
  /** relative to `root`; emptied first */
  target: string;
  logLevel?: LogLevel;
}): Promise<Metafile>;
