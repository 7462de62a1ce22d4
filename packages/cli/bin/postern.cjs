#!/usr/bin/env node
// What npm links as `postern`. The program is one bundled file, made by `npm run build`.
require("../dist/postern.cjs");
