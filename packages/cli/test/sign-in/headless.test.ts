// Where a browser is opened: only where the person would see it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Headless, headlessBy, isInContainer } from "../../src/sign-in/headless.ts";

const cases: [
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  isContainer: boolean,
  reason: Headless | undefined,
][] = [
  [{}, "linux", false, "no_display"],
  [{ DISPLAY: "" }, "linux", false, "no_display"],
  [{ DISPLAY: ":0" }, "linux", false, undefined],
  [{ WAYLAND_DISPLAY: "wayland-0" }, "linux", false, undefined],
  [{ WAYLAND_DISPLAY: "wayland-0" }, "freebsd", false, undefined],
  [{}, "openbsd", false, "no_display"],
  [{ WSL_DISTRO_NAME: "Debian" }, "linux", false, undefined],
  [{}, "darwin", false, undefined],
  [{}, "win32", false, undefined],
  [{ SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" }, "linux", false, "ssh"],
  [{ SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" }, "darwin", false, "ssh"],
  [{ SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" }, "win32", false, "ssh"],
  [{ SSH_TTY: "/dev/pts/1", DISPLAY: "localhost:10.0" }, "linux", false, "ssh"],
  [{ SSH_CONNECTION: "" }, "darwin", false, undefined],
  [{}, "linux", true, "container"],
  [{ WSL_DISTRO_NAME: "Debian" }, "linux", true, "container"],
  [{ DISPLAY: ":0" }, "linux", true, undefined],
  [{ SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22" }, "linux", true, "ssh"],
];

test("a browser is opened where somebody can see it: not over SSH, without a display, or in a container", () => {
  for (const [environment, platform, isContainer, reason] of cases) {
    const what = JSON.stringify({ environment, platform, isContainer });
    assert.equal(headlessBy({ environment, platform, isContainer }), reason, what);
  }
});

test("a container says of itself that it is one", () => {
  assert.equal(isInContainer({ container: "podman" }), true);
  assert.equal(isInContainer({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }), true);
});
