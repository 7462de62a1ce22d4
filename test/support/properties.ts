// fast-check, with the same values in every run: a run that fails does so again. Set
// POSTERN_TEST_SEED to another number to look further.
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["POSTERN_TEST_SEED"] ?? 1) });

export default fc;
