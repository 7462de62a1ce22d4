/** What a field that is missing may look like: the field's name → a value. */
export const fieldExamples: Readonly<Record<string, string>> = {
  auth_domain: "login.example.com",
  cert_file: "/etc/postern/example.com.pem",
  client_id: "postern",
  claim_name: "groups",
  claim_value: "engineering",
  decision: "allow",
  from: "postern@example.com",
  include: "[{email_domain: {domain: example.com}}]",
  ingress: "[{service: http://127.0.0.1:3000}]",
  key_file: "/etc/postern/example.com.key",
  listen: "127.0.0.1:8600",
  service: "http://127.0.0.1:3000",
  type: "oidc",
  uri: "app.example.com",
  url: "smtp://mail.example.com:587",
};
