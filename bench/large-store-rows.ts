// The rows of a large store, as SQL that fills a database which has its tables.

interface Size {
  people: number;
  /** alive; as many are over */
  sessions: number;
  /** of the access log */
  rows: number;
}

interface Moment {
  /** milliseconds since the epoch */
  now: number;
  /** milliseconds */
  day: number;
  /** of the applications app-0, app-1, … */
  auds: readonly string[];
}

const dialects: Record<string, { hex(number: string, digits: number): string }> = {
  sqlite: { hex: (number, digits) => `printf('%0${digits}x', ${number})` },
  postgres: { hex: (number, digits) => `lpad(to_hex((${number})::bigint), ${digits}, '0')` },
};

/** The statements, in their order. */
export function fillStatements(
  name: string,
  { people, sessions, rows }: Size,
  { now, day, auds }: Moment,
): string[] {
  const { hex } = dialects[name] ?? { hex: String };
  const numbers = (count: number) =>
    `with recursive n(i) as (select cast(0 as bigint) union all select i + 1 from n where i < ${count - 1})`;
  const values = auds.map((aud, index) => `when ${index} then '${aud}'`).join(" ");
  const audOf = (number: string) => `case ${number} % ${auds.length} ${values} end`;
  const identity = `'{"email":"person' || (i % ${people}) || '@example.com","name":"Person ' || (i % ${people}) || '","idp":{"id":"pin","type":"onetimepin"},"groups":["eng","ops","sales","everybody@example.com"],"oidc_fields":{"department":"tools"},"amr":["otp"],"ip":"192.0.2.7","country":"CH","iat":1}'`;
  const kind = `case when i % 100 = 0 then 'grant' when i % 4 = 0 then 'terminal' else 'browser' end`;
  const user = `'user-' || (i % ${people})`;
  const session = (from: string, begun: string, end: string) =>
    `${numbers(sessions)} insert into sessions
      (id, user_id, kind, parent_id, identity, user_agent, created_at, expires_at, revoked_at, jkt)
      select ${hex(`i + ${from}`, 40)}, ${user}, ${kind}, null, ${identity},
        'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
        ${begun}, ${end}, null, null from n`;
  const rowTime = `${now - 180 * day} + i * ${Math.floor((180 * day) / rows)}`;
  const isDenied = "i % 50 = 0";
  return [
    `${numbers(people)} insert into users (id, email, created_at, name, last_successful_login)
      select 'user-' || i, 'person' || i || '@example.com', ${now}, 'Person ' || i, ${now} from n`,
    // Alive, and over for more than a month.
    session("0", `${now - day} + i`, `${now + day} + i`),
    session(`${10 * sessions}`, `${now - 50 * day} + i`, `${now - 40 * day} + i`),
    `${numbers(2 * sessions)} insert into session_applications
      (session_id, aud, kind, created_at, expires_at)
      select sessions.id, ${audOf("i")}, kind, created_at, expires_at from n
      join sessions on sessions.id = ${hex(`i % ${sessions}`, 40)}
      on conflict do nothing`,
    `${numbers(rows)} insert into access_log
      (id, action, outcome, ray_id, ip_address, reason, country, user_email, user_uid, app_uid,
        app_name, app_domain, app_type, idp, connection, service_token_id, policy_id, policy_name,
        rule, method, host, path, user_agent, facts, allowed, has_existing_jwt, non_identity,
        status, created_at)
      select ${hex(rowTime, 12)} || ${hex("i", 16)} || case when i % 10 = 0 then '0' else '2' end,
        case when i % 10 = 0 then 'login' else 'request' end,
        case when ${isDenied} then 'deny' else 'allow' end,
        ${hex("i", 16)}, '192.0.2.' || (i % 250),
        case when ${isDenied} then 'no_policy_matched' end,
        case i % 5 when 0 then 'CH' when 1 then 'DE' when 2 then 'US' else 'FR' end,
        'person' || (i % ${people}) || '@example.com', ${user}, 'app-' || (i % 10),
        'App ' || (i % 10), 'app-' || (i % 10) || '.localhost', 'self_hosted', 'pin',
        'onetimepin', null, 'policy', 'people', '{everyone: {}}', 'GET',
        'app-' || (i % 10) || '.localhost', '/path/of/a/request/' || i, 'Firefox',
        '{"kind":"person"}', case when ${isDenied} then 0 else 1 end, 1, 0, 200, ${rowTime}
      from n`,
  ];
}
