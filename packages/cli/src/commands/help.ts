// What `--help` prints, for each command one screen with an example.

const access = `Usage: postern access COMMAND

  login URL        sign in through the browser
  token URL        print the token of an application
  curl ARGS        curl with the token
  put TOOL ARGS    any tool with the token in its URLs
  logout           end the session
  list             stored sessions
  whoami URL       who the gateway takes you for
  forget HOST      forget the team domain remembered for a host

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not signed in, 4 refused by policy, 5 not behind Access, unreachable
or not verified, 6 sign-in refused or not answered. curl and put give the tool's own, and 125 when it did not run.

Example: postern access curl https://api.example.com/v1/orders
Each command has --help.
`;

const network = `  --profile NAME          keep sessions of several people apart (or POSTERN_PROFILE)
  --ca-file FILE          certificate authority of your own (or POSTERN_CA_FILE)
  --debug                 show the HTTP exchange, secrets cut out
`;

const common = `${network}  --json                  errors as JSON
`;

const signIn = `  --no-browser            only print the URL to open (BROWSER names the program that opens it)
  --qr, --no-qr           show the URL as a QR code, or never
  --auto-close            close the browser tab afterwards
  --timeout 8m            how long to wait for the approval
`;

const noLogin = `  --no-login              never sign in (as without a terminal, or with CI set)
`;

const service = `  --service-token-id ID   with --service-token-secret-file FILE: a program's credential
                          (or POSTERN_SERVICE_TOKEN_ID, _SECRET, _SECRET_FILE)
`;

const texts: Record<string, string> = {
  "": `Usage: postern COMMAND

  access           reach what stands behind an identity-aware gateway
  dev              a whole gateway on this machine, nothing to configure
  gateway          serve a configuration
  keys rotate      sign with a new key
  --version

Example: postern access curl https://api.example.com/
Each command has --help.
`,
  access,
  "access login": `Usage: postern access login URL

Signs in through the browser and stores the token. Compare the code on the page with the one shown here.

${signIn}  --login-hint EMAIL      as whom; asks again if somebody else is signed in
  --prompt WORD           login or select_account: ask again in any case
  --no-verbose            print the token, and nothing else, on standard output
  --app URL               the same; names the application
  -q, --quiet             do not say who is signed in
${common}
Example: postern access login https://api.example.com
`,
  "access token": `Usage: postern access token URL  |  postern access token -app=URL

Prints the token of the application, without a newline. On a terminal it signs in first if need be.

  --format F              raw, header, json, env or exec-credential (for kubectl)
${noLogin}${signIn}${common}
Example: TOKEN=$(postern access token https://api.example.com)
`,
  "access curl": `Usage: postern access curl [--allow-request] CURL-ARGUMENTS

Runs curl; each URL gets the token of its own application and of no other. Flags of ours may stand anywhere.

  -ar, --allow-request    go on without a token where there is none
  --token-in PLACE        cookie (default), header or query
${noLogin}${service}${signIn}${network}
Example: postern access curl -X POST -d @order.json https://api.example.com/v1/orders
`,
  "access put": `Usage: postern access put [FLAGS] [--] TOOL ARGUMENTS

Runs any tool. Arguments that are URLs of a protected application, or contain one after "=", get a pass: a
credential for that URL and ten minutes.

  --via query             a pass in the URL (default)
  --via env               ACCESS_TOKEN and ACCESS_HEADER in the tool's environment; the URLs stay as they are
  --app URL               with --via env: the application, where no argument names it
  --full-token            put the token itself in the URL where the gateway has no passes
${noLogin}${signIn}${common}
Example: postern access put wget -qO- https://api.example.com/report.csv
`,
  "access logout": `Usage: postern access logout [URL | --all]

Ends the terminal's session at the gateway and deletes what is stored.

${common}
Example: postern access logout https://api.example.com
`,
  "access forget": `Usage: postern access forget HOST

Forgets the team domain remembered for a host, so that it may name another one.

${common}
Example: postern access forget api.example.com
`,
  "access list": `Usage: postern access list [--json]

Lists stored sessions: application, person, expiry, where stored.

  --json                  as JSON, errors too
${network}
Example: postern access list
`,
  "access whoami": `Usage: postern access whoami URL [--json]

Shows who the gateway takes you for.

  --json                  everything that it says, as JSON; errors too
${noLogin}${service}${signIn}${network}
Example: postern access whoami https://api.example.com
`,
  dev: `Usage: postern dev [--port 8600] [--data DIR | --ephemeral] [--upstream [name=]URL ...]

Runs a whole gateway on this machine, with a sample application and one-time PINs shown here.

  --port N                default 8600
  --data DIR              where to keep its data (default: below POSTERN_HOME)
  --ephemeral             keep nothing
  --upstream [name=]URL   protect an application of yours at http://<name>.localhost:<port>; may be repeated

Example: postern dev --upstream api=http://127.0.0.1:3000
`,
  gateway: `Usage: postern gateway --config FILE

Serves until it is told to stop.

Example: postern gateway --config postern.yaml
`,
  keys: `Usage: postern keys rotate --config FILE

Signs with a new key from now on. Tokens signed with the previous one stay good.

Example: postern keys rotate --config postern.yaml
`,
};

/** The help of a command such as `access login`; of everything for "". */
export function helpFor(path: string): string {
  return texts[path] ?? texts[""] ?? "";
}
