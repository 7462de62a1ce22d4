import { type ConfigUpdate, type KnownConfig, updateOf } from "./config-update.ts";
import { type Config, loadConfig } from "./load-config.ts";
import { readSettledText, readText } from "./settled-text.ts";

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

/** What has changed in a file, and what to consider about it. */
export interface FileUpdate extends ConfigUpdate {
  warnings: string[];
}

/**
 * Reads a file that has changed, as soon as nobody is writing it.
 * @param knownConfig what the receiver of the update has
 * @throws {ConfigError} as `readConfigFile` does, or when the file does not come to rest
 */
export async function readFileUpdate(
  { file, environment }: ConfigFile,
  knownConfig: KnownConfig,
): Promise<FileUpdate> {
  const text = await readSettledText(file);
  const { config, warnings } = loadConfig({ text, file, environment });
  return { ...updateOf(config, knownConfig), warnings };
}
