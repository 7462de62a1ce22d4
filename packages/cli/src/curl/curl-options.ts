// curl's options that take a value (curl 7.55 to 8.16). Needed to tell a URL from the value of an
// option; an option that is missing here would make its value look like a URL, so new ones are
// added as curl gains them.

/** Long options that take a value. */
export const longWithValue: ReadonlySet<string> = new Set(
  `abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to
  continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw
  data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file
  engine etag-compare etag-save expect100-timeout form form-string ftp-account ftp-alternative-to-user ftp-method
  ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header help hostpubmd5 hostpubsha256 hsts
  interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key key-type knownhosts krb libcurl limit-rate
  local-port login-options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy
  oauth2-bearer output output-dir parallel-max parallel-max-host pass pinnedpubkey preproxy proto proto-default
  proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type proxy-ciphers proxy-crlfile proxy-header
  proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype
  proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range rate referer request
  request-target resolve retry retry-delay retry-max-time sasl-authzid service-name sigalgs socks4 socks4a socks5
  socks5-gssapi-service socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time-cond
  tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file
  upload-flags url url-query user user-agent variable vlan-priority write-out`.split(/\s+/),
);

/**
 * Long options without a value that an abbreviation of one with a value could be taken for, and
 * those that we act upon. curl takes any unambiguous beginning of a name.
 */
const longWithoutValue: ReadonlySet<string> = new Set(
  `location location-trusted next fail head get include insecure haproxy-protocol proxy-anyauth proxy-basic
  proxy-digest proxy-insecure proxy-ntlm proxy-negotiate proxytunnel ipv4 ipv6 parallel parallel-immediate globoff follow tlsv1
  retry-all-errors retry-connrefused form-escape http0.9 http1.0 http1.1 http2 ssl silent show-error show-headers
  verbose version manual xattr`.split(/\s+/),
);

/** One-letter options that take a value, which may follow in the same argument. */
export const shortWithValue: ReadonlySet<string> = new Set([..."ACDEFHKPQTUXYbcdehmortuwxyz"]);

/** `--expand-<option>` is that option with variables in its value (curl 8.3). */
const expand = "expand-";

/**
 * The whole name of a long option that may be abbreviated, and that curl before 8.7 takes in either
 * case. The text itself where it stands for none, or for several that differ in taking a value:
 * curl refuses those.
 */
export function wholeOptionName(spelling: string): string {
  const text = spelling.toLowerCase();
  if (text.startsWith(expand)) return expand + wholeOptionName(text.slice(expand.length));
  if (longWithValue.has(text) || longWithoutValue.has(text)) return text;
  const names = [...longWithValue, ...longWithoutValue].filter((name) => name.startsWith(text));
  const [first] = names;
  if (first === undefined) return text;
  const takesValue = longWithValue.has(first);
  return names.every((name) => longWithValue.has(name) === takesValue) ? first : text;
}

/** Whether a part's name is that of the option, written out or to be expanded. */
export function isOptionNamed(partName: string, option: string): boolean {
  return partName === option || partName === expand + option;
}
