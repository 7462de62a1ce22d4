// Services as the file writes them, and what a bastion may reach.
import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceText } from "../../src/catalog/choose-service.ts";
import { bastionDestination } from "../../src/model/bastion-destination.ts";
import { service } from "../../src/model/ingress-service.ts";

const written: [text: string, canonical: string][] = [
  ["tcp://10.0.0.7:5432", "tcp://10.0.0.7:5432"],
  ["tcp://DB.Internal:5432/", "tcp://db.internal:5432"],
  ["tcp://[2001:DB8::7]:5432", "tcp://[2001:db8::7]:5432"],
  ["tcp://[::ffff:10.0.0.7]:5432", "tcp://10.0.0.7:5432"],
  ["ssh://box.internal", "ssh://box.internal:22"],
  ["ssh://box.internal:2222", "ssh://box.internal:2222"],
  ["ssh://[2001:db8::7]", "ssh://[2001:db8::7]:22"],
  ["rdp://desk.internal", "rdp://desk.internal:3389"],
  ["smb://files.internal", "smb://files.internal:445"],
  ["bastion", "bastion"],
  ["ws://10.0.0.5:3000", "http://10.0.0.5:3000"],
  ["wss://10.0.0.5", "https://10.0.0.5"],
];

test("each kind of service has one canonical text", () => {
  for (const [text, canonical] of written)
    assert.equal(serviceText(service.parse(text)), canonical, text);
});

test("what is no host and port is no stream service", () => {
  for (const text of [
    "tcp://",
    "tcp://:5432",
    "tcp://10.0.0.7:",
    "tcp://10.0.0.7:05432",
    "tcp://10.0.0.7:5432x",
    "tcp://ada:secret@10.0.0.7:5432",
    "tcp://2130706433:22",
    "tcp://0177.0.0.1:22",
    "tcp://[10.0.0.7]:22",
    "tcp://[fe80::1%eth0]:22",
    "tcp://db.internal.:22",
    "tcp://dä.internal:22",
    "ssh://box.internal?x",
  ])
    assert.equal(service.safeParse(text).success, false, text);
});

test("what names no host and port to connect to is no service of HTTP", () => {
  for (const text of ["http://*:80", "https://*.internal", "http://10.0.0.7:0", "wss://a!b:443"])
    assert.equal(service.safeParse(text).success, false, text);
  for (const text of ["http://my_app:3000", "http://localhost.:80", "https://[2001:db8::7]:8443"])
    assert.equal(service.safeParse(text).success, true, text);
});

test("destinations of a bastion are names, names below a name, and networks", () => {
  const readings: [string, unknown][] = [
    ["DB.internal:5432", { kind: "name", name: "db.internal", port: 5432 }],
    ["*.internal:22", { kind: "below", suffix: ".internal", port: 22 }],
    ["10.0.0.0/8:22", { kind: "network", network: "10.0.0.0/8", port: 22 }],
    ["10.0.0.7:22", { kind: "network", network: "10.0.0.7/32", port: 22 }],
    ["[2001:db8::]/32:22", { kind: "network", network: "2001:db8::/32", port: 22 }],
    ["2001:db8::/32:22", { kind: "network", network: "2001:db8::/32", port: 22 }],
    ["[2001:db8::7]:22", { kind: "network", network: "2001:db8::7/128", port: 22 }],
  ];
  for (const [text, expected] of readings)
    assert.deepEqual(bastionDestination.parse(text), expected, text);
});
