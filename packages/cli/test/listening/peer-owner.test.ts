// Whose connection it is, as Linux lists it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ownerIn } from "../../src/listening/peer-owner.ts";

const tables = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 21 1 0 100 0 0 10 0
   1: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 22 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 23 1 0 20 4 30 10 -1
   3: 0100007F:D435 0100007F:1F90 05 00000000:00000000 03:0000176A 00000000     0        0 0 3 000000004f6991f9
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:D432 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 24 1 0 20 4 30 10 -1
   1: 00000000000000000000000001000000:D433 00000000000000000000000001000000:1F90 01 00000000:00000000 00:00000000 00000000  1003        0 25 1 0 20 4 30 10 -1`;

test("the owner of a connection is found among those of IPv4, IPv6, and IPv4 written as IPv6", () => {
  const ownerOf = (address: string, port: number) =>
    ownerIn(tables, { address, port, to: { address, port: 8080 } });
  assert.equal(ownerOf("127.0.0.1", 0xd431), 1001);
  assert.equal(ownerOf("127.0.0.1", 0xd432), 1002);
  assert.equal(ownerOf("::1", 0xd433), 1003);
});

test("a connection that is not listed is nobody's, whatever else is on its ports", () => {
  const to = { address: "127.0.0.1", port: 8080 };
  assert.equal(ownerIn(tables, { address: "127.0.0.1", port: 1, to }), undefined);
  assert.equal(ownerIn(tables, { address: "127.0.0.2", port: 0xd431, to }), undefined);
  const elsewhere = { address: "127.0.0.1", port: 8081 };
  assert.equal(ownerIn(tables, { address: "127.0.0.1", port: 0xd431, to: elsewhere }), undefined);
  assert.equal(
    ownerIn(tables, { address: "::2", port: 0xd433, to: { address: "::2", port: 8080 } }),
    undefined,
  );
  assert.equal(ownerIn("", { address: "127.0.0.1", port: 0xd431, to }), undefined);
});

test("a connection that was closed is nobody's, although it is listed as root's", () => {
  const to = { address: "127.0.0.1", port: 8080 };
  assert.equal(ownerIn(tables, { address: "127.0.0.1", port: 0xd435, to }), undefined);
});
