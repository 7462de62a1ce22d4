import { type ConfigUpdate, type KnownConfig, updateOf } from "./config-update.ts";
import { type Config, loadConfig } from "./load-config.ts";
import { type FileText, readSettledText, readText } from "./settled-text.ts";

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
  fingerprint: string;
} {
  const { text, fingerprint } = readText(file);
  return { ...loadConfig({ text, file, environment }), fingerprint };
}

/** Whether the file and those that it names hold what had this fingerprint. */
export function isUnchanged({ file }: ConfigFile, fingerprint: string): boolean {
  try {
    return readText(file).fingerprint === fingerprint;
  } catch {
    return false;
  }
}

/** What has changed in a file, and what to consider about it. */
export interface FileUpdate extends ConfigUpdate, Pick<FileText, "fingerprint"> {
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
  const { text, fingerprint } = await readSettledText(file);
  const { config, warnings } = loadConfig({ text, file, environment });
  return { ...updateOf(config, knownConfig), warnings, fingerprint };
}
