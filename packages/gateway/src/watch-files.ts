// Notices that files changed, however that is done: written in place, replaced by a rename as
// editors and renewal tools do, or switched by a symbolic link above them as Kubernetes does. So
// folders are watched, not files, those that links lead to as well.
import { realpathSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { RecordEvent } from "./observe/events.ts";

/** Whoever changes a file does it in several steps; the last one counts. */
const settleMs = 200;

/**
 * Calls back soon after one of the files changed. Where the system cannot watch a folder it says
 * so, once, and does not.
 * @param files absolute paths, or relative to the working directory
 * @returns a function that ends it; nothing is called back after that
 */
export function watchFiles(
  files: readonly string[],
  onChange: () => void,
  record: RecordEvent,
): () => void {
  let pending: NodeJS.Timeout | undefined;
  const changed = () => {
    clearTimeout(pending);
    pending = setTimeout(onChange, settleMs).unref();
  };
  const unwatch = [...namesByFolder(files)].map(([folder, names]) =>
    watchFolder(folder, names, { changed, record }),
  );
  return () => {
    clearTimeout(pending);
    for (const end of unwatch) end();
  };
}

/** Where the files lie, and where links lead: folder → names in it. */
function namesByFolder(files: readonly string[]): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>();
  for (const path of files.flatMap((file) => [file, realPath(file)])) {
    const names = folders.get(dirname(path)) ?? new Set();
    folders.set(dirname(path), names.add(basename(path)));
  }
  return folders;
}

/** @returns a function that ends it */
function watchFolder(
  folder: string,
  names: ReadonlySet<string>,
  { changed, record }: { changed: () => void; record: RecordEvent },
): () => void {
  const fail = (error: unknown) =>
    record({ event: "folder_unwatched", folder, error: String(error) });
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => {
      // Kubernetes switches a link called `..data`.
      const concerns = name === null || names.has(name) || name.startsWith("..");
      if (concerns) changed();
    });
    watcher.on("error", fail);
    return () => watcher.close();
  } catch (error) {
    fail(error);
    return () => undefined;
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
