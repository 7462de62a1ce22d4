// Stands in the command line's bundle for the package default-browser. The package open asks it
// only where a program names `apps.browser`; the command line leaves the choice to the system.

export const _windowsBrowserProgIdMap = new Map();

export default function defaultBrowser() {
  throw new Error("the command line asks for no particular browser");
}
