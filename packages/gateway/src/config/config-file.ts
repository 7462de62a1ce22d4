import { readFileSync } from "node:fs";
import { ConfigError } from "./config-error.ts";
import { type ConfigUpdate, type KnownConfig, updateOf } from "./config-update.ts";
import { type Config, loadConfig } from "./load-config.ts";

/** Where a configuration comes from. */
export interface ConfigFile {
  file: string;
  /** what `${env:NAME}` fills in */
  environment: Readonly<Record<string, string | undefined>>;
}

/** @throws {ConfigError} when the file cannot be read, or is wrong */
export function readConfigFile({ file, environment }: ConfigFile): {
  config: Config;
  warnings: string[];
} {
  return loadConfig({ text: readText(file), file, environment });
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${file}: cannot be read (${code}); name the file with --config`);
  }
}

/** What has changed in a file, and what to consider about it. */
export interface FileUpdate extends ConfigUpdate {
  warnings: string[];
}

/**
 * @param knownConfig what the receiver of the update has
 * @throws {ConfigError} as `readConfigFile` does
 */
export function readFileUpdate(source: ConfigFile, knownConfig: KnownConfig): FileUpdate {
  const { config, warnings } = readConfigFile(source);
  return { ...updateOf(config, knownConfig), warnings };
}
