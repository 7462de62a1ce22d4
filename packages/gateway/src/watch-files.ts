// Notices that files changed, however that is done: written in place, replaced by a rename as
// editors and renewal tools do, switched by a symbolic link above them as Kubernetes does, or with
// their whole folder put in its place. So folders are watched, not files: those that the files lie
// in, where links lead, and every folder above. A watch stays with a folder that was moved away:
// after each change all are begun anew.
import { type FSWatcher, realpathSync, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { RecordEvent } from "./observe/events.ts";

/** Whoever changes a file does it in several steps; the last one counts. */
const settleMs = 200;

/**
 * Calls back soon after one of the files changed. Where the system cannot watch the folder of a
 * file it says so, once, and does not.
 * @param filesOfNow absolute paths, or relative to the working directory; asked for again after
 * each change, since one file may name others
 * @returns a function that ends it; nothing is called back after that
 */
export function watchFiles(
  filesOfNow: () => readonly string[],
  onChange: () => void,
  record: RecordEvent,
): () => void {
  let pending: NodeJS.Timeout | undefined;
  const folders = new WatchedFolders(record, () => {
    clearTimeout(pending);
    pending = setTimeout(settled, settleMs).unref();
  });
  // Watched before they are read: what changes meanwhile is another change.
  const settled = () => {
    folders.watch(filesOfNow());
    onChange();
  };
  folders.watch(filesOfNow());
  return () => {
    clearTimeout(pending);
    folders.close();
  };
}

/** What counts in a folder. */
interface WatchedNames {
  /** files, or links to them: any change */
  files: Set<string>;
  /** folders on the way to them: whether another took their place */
  folders: Set<string>;
}

class WatchedFolders {
  readonly #record: RecordEvent;
  readonly #onChange: () => void;
  readonly #unwatched = new Set<string>();
  #watchers: FSWatcher[] = [];

  constructor(record: RecordEvent, onChange: () => void) {
    this.#record = record;
    this.#onChange = onChange;
  }

  /** Watches for these files, and for nothing else any more. */
  watch(files: readonly string[]): void {
    this.close();
    for (const [folder, names] of namesByFolder(files)) this.#watchFolder(folder, names);
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #watchFolder(folder: string, names: WatchedNames): void {
    const fail = (error: unknown) => this.#complain(folder, names, error);
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        if (concerns(names, event, name)) this.#onChange();
      });
      watcher.on("error", fail);
      this.#watchers.push(watcher);
    } catch (error) {
      fail(error);
    }
  }

  /** A folder that is away for a moment is noticed above it when it is there again. */
  #complain(folder: string, { files }: WatchedNames, error: unknown): void {
    const isAway = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (isAway || files.size === 0 || this.#unwatched.has(folder)) return;
    this.#unwatched.add(folder);
    this.#record({ event: "folder_unwatched", folder, error: String(error) });
  }
}

function concerns({ files, folders }: WatchedNames, event: string, name: string | null): boolean {
  if (name === null) return true;
  if (event === "rename" && folders.has(name)) return true;
  // Kubernetes switches a link called `..data`.
  return files.has(name) || (files.size > 0 && name.startsWith(".."));
}

/** Where the files lie, where links lead, and the folders above: folder → names in it. */
function namesByFolder(files: readonly string[]): Map<string, WatchedNames> {
  const byFolder = new Map<string, WatchedNames>();
  const namesIn = (folder: string) => {
    const names = byFolder.get(folder) ?? { files: new Set(), folders: new Set() };
    byFolder.set(folder, names);
    return names;
  };
  for (const path of files.flatMap((file) => [resolve(file), realPath(file)])) {
    namesIn(dirname(path)).files.add(basename(path));
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
      namesIn(dirname(folder)).folders.add(basename(folder));
  }
  return byFolder;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}
