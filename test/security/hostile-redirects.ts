// Addresses that lead away from the host, or look as if they did not (case L1): one line for each
// trick, times the ways in which parsers were seen to differ.

const absolute = [
  ..."https://evil.test,http://evil.test,HTTPS://evil.test,https:evil.test,https:/evil.test,https:///evil.test,https:\\\\evil.test,https:/\\evil.test".split(
    ",",
  ),
  ..."javascript:alert(1),JaVaScRiPt:alert(1),java\tscript:alert(1),data:text/html;base64,vbscript:x,file:///etc/passwd,ftp://evil.test,about:blank,blob:x".split(
    ",",
  ),
];

const schemeRelative = [
  "//evil.test",
  "///evil.test",
  "////evil.test",
  "//evil.test/..",
  "//evil.test/%2e%2e",
  "//evil.test:443",
  "//[::1]",
  "//127.1",
  "//2130706433",
];

const backslashes = [
  "\\evil.test",
  "\\\\evil.test",
  "/\\evil.test",
  "\\/evil.test",
  "/\\/evil.test",
  "\\/\\/evil.test",
  "/\\\\evil.test",
  "//\\evil.test",
  "/x\\..\\..//evil.test",
];

const controls = ["\t", "\n", "\r", "\0", "\v", "\f", "\x1f", "\x7f", " "].flatMap((control) => [
  `${control}//evil.test`,
  `/${control}/evil.test`,
  `/${control}\\evil.test`,
  `//${control}evil.test`,
]);

const userinfo = [
  ..."https://app.localhost@evil.test,https://app.localhost:80@evil.test,//app.localhost@evil.test,https://evil.test#app.localhost,https://evil.test?app.localhost".split(
    ",",
  ),
  ..."https://app.localhost.evil.test,https://evil.test/app.localhost,https://app.localhost%2eevil.test,https://app.localhost%00.evil.test,https://app.localhost%0d%0a.evil.test".split(
    ",",
  ),
  ..."https://app.localhost\\@evil.test,https://app.localhost&@evil.test,https://localhost:80@evil.test,http://127.0.0.1.evil.test/,@evil.test,.evil.test,:80@evil.test".split(
    ",",
  ),
];

const unicode = [
  "/\u2215evil.test",
  "//evil\u3002test",
  "/\uff0fevil.test",
  "//\uff45vil.test",
  "\u2028//evil.test",
  "\ufeff//evil.test",
  "//evil.test\u200b",
  "/\u202e//evil.test",
];

// What a parser makes harmless, and what only looks so until it is resolved.
const dots = [
  "/.//evil.test",
  "/..//evil.test",
  "/%2e%2e//evil.test",
  "/x/..//evil.test",
  "/%2e//evil.test",
  "/;//evil.test",
  "/./\\evil.test",
  "./..//evil.test",
  "..//evil.test",
  "?//evil.test",
  "#//evil.test",
  "",
];

const encoded = [
  "/%09/evil.test",
  "/%0a/evil.test",
  "/%5cevil.test",
  "/%2fevil.test",
  "%2f%2fevil.test",
  "%5c%5cevil.test",
  "/%0d%0aLocation:%20https://evil.test",
  "/\r\nLocation: https://evil.test",
  "/\r\n\r\n<script>alert(1)</script>",
];

export const hostileRedirects: readonly string[] = [
  ...absolute,
  ...schemeRelative,
  ...backslashes,
  ...controls,
  ...userinfo,
  ...unicode,
  ...dots,
  ...encoded,
];
