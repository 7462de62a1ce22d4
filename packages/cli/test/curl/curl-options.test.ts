// The table of curl's options against the curl of this machine: an option that is missing would
// make its value look like a URL, which is then asked who guards it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { longWithValue, shortWithValue, wholeOptionName } from "../../src/curl/curl-options.ts";

const help = spawnSync("curl", ["--help", "all"], { encoding: "utf8" }).stdout ?? "";
const options = [...help.matchAll(/^ {0,5}(?:-(\S), +)?--(\S+)(?: ([<[]).*)?/gm)].map(
  ([, short, long = "", value]) => ({
    short,
    long,
    takesValue: value !== undefined,
  }),
);

test(
  "every option of this machine's curl takes a value here where it does there",
  needs("curl"),
  () => {
    assert.ok(options.length > 200, `read ${options.length}`);
    for (const { short, long, takesValue } of options) {
      assert.equal(longWithValue.has(long), takesValue, `--${long}`);
      if (short !== undefined && short !== ":")
        assert.equal(shortWithValue.has(short), takesValue, `-${short}`);
    }
  },
);

test(
  "an abbreviation that this machine's curl takes for an option with a value is one here",
  needs("curl"),
  () => {
    const names = options.map(({ long }) => long);
    for (const { long, takesValue } of options) {
      for (let length = 3; length < long.length; length++) {
        const beginning = long.slice(0, length);
        if (
          names.includes(beginning) ||
          names.filter((name) => name.startsWith(beginning)).length !== 1
        )
          continue;
        assert.equal(
          longWithValue.has(wholeOptionName(beginning)),
          takesValue,
          `--${beginning} for --${long}`,
        );
      }
    }
  },
);
