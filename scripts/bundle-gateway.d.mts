import type { LogLevel, Metafile } from "esbuild";

export function bundleGateway(options: {
  root: string;
  /** the folder of main.ts, relative to `root` */
  source: string;
  /** relative to `root`; emptied first */
  target: string;
  logLevel?: LogLevel;
}): Promise<Metafile>;
