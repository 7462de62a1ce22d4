// Whether a browser that is opened here could be seen by the person (what-users-ask A24).
import { existsSync } from "node:fs";

type Environment = NodeJS.ProcessEnv;

/** Where a process runs. */
export interface Place {
  environment: Environment;
  platform: NodeJS.Platform;
  isContainer: boolean;
}

/** Why there is no browser to open. */
export type Headless = "ssh" | "container" | "no_display";

/**
 * Why no browser can be opened; undefined where one can. Over SSH it would open where nobody sits,
 * a forwarded display included. A container that was given a display has one.
 */
export function headlessBy({ environment, platform, isContainer }: Place): Headless | undefined {
  if (isAnySet(environment, "SSH_CONNECTION", "SSH_TTY")) return "ssh";
  if (isAnySet(environment, "DISPLAY", "WAYLAND_DISPLAY")) return undefined;
  if (isContainer) return "container";
  return isFreeDesktop(environment, platform) ? "no_display" : undefined;
}

/** Whether xdg-open is what opens things. */
export function isFreeDesktop(environment: Environment, platform: NodeJS.Platform): boolean {
  if (platform === "linux") return !isAnySet(environment, "WSL_DISTRO_NAME");
  return platform === "freebsd" || platform === "openbsd";
}

/** Whether Docker, Podman or systemd-nspawn says that this is a container. */
export function isInContainer(environment: Environment): boolean {
  if (isAnySet(environment, "container", "KUBERNETES_SERVICE_HOST")) return true;
  return existsSync("/.dockerenv") || existsSync("/run/.containerenv");
}

function isAnySet(environment: Environment, ...names: string[]): boolean {
  return names.some((name) => (environment[name] ?? "") !== "");
}
