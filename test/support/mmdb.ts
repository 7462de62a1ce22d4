// Writes databases of countries in MaxMind's format (MaxMind DB File Format Specification 2.0), so
// that tests have real files with addresses of their own: a search tree of 24-bit records, the
// data, and what describes both.

/** network → ISO 3166-1 alpha-2: `{"192.0.2.0/24": "PT"}`; the more specific ones come last */
export type CountriesByNetwork = Readonly<Record<string, string>>;

export interface DatabaseOptions {
  /** of the tree: one for IPv6 holds IPv4 as well */
  ipVersion?: 4 | 6;
  /** milliseconds since the epoch */
  built?: number;
}

type Child = Node | { country: string } | undefined;
interface Node {
  children: [Child, Child];
}

/** The bytes of such a file. */
export function databaseOf(
  countries: CountriesByNetwork,
  { ipVersion = 6, built = 0 }: DatabaseOptions = {},
): Buffer {
  const root: Node = { children: [undefined, undefined] };
  for (const [network, country] of Object.entries(countries))
    insert(root, bitsOf(network, ipVersion), country);
  const nodes = nodesBelow(root);

  const offsets = new Map<string, number>();
  const records: Buffer[] = [];
  let length = 0;
  for (const country of new Set(Object.values(countries))) {
    const data = encode({ country: { iso_code: country, names: { en: `Land of ${country}` } } });
    offsets.set(country, length);
    records.push(data);
    length += data.length;
  }
  const recordOf = (child: Child): number => {
    if (child === undefined) return nodes.length;
    if ("children" in child) return nodes.indexOf(child);
    return nodes.length + 16 + (offsets.get(child.country) ?? 0);
  };
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.forEach(({ children: [left, right] }, index) => {
    tree.writeUIntBE(recordOf(left), index * 6, 3);
    tree.writeUIntBE(recordOf(right), index * 6 + 3, 3);
  });
  const metadata = encode({
    node_count: nodes.length,
    record_size: 24,
    ip_version: ipVersion,
    database_type: "Test-Country",
    languages: ["en"],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: Math.floor(built / 1000),
    description: { en: "Countries of a test" },
  });
  const marker = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
  return Buffer.concat([tree, Buffer.alloc(16), ...records, marker, metadata]);
}

/** The bits of the prefix, from the root down. */
function bitsOf(network: string, ipVersion: 4 | 6): number[] {
  const [address = "", length] = network.split("/");
  const isIPv4 = address.includes(".");
  const own = isIPv4
    ? address.split(".").flatMap((part) => bits(Number(part), 8))
    : bitsOf6(address);
  const prefix = own.slice(0, length === undefined ? own.length : Number(length));
  const above = isIPv4 && ipVersion === 6 ? new Array<number>(96).fill(0) : [];
  return [...above, ...prefix];
}

function bitsOf6(address: string): number[] {
  const [before = "", after = ""] = address.split("::");
  const parts = (text: string) => (text === "" ? [] : text.split(":"));
  const missing = 8 - parts(before).length - parts(after).length;
  const groups = [...parts(before), ...new Array<string>(missing).fill("0"), ...parts(after)];
  return groups.flatMap((group) => bits(Number.parseInt(group, 16), 16));
}

function bits(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, nth) => (value >> (count - 1 - nth)) & 1);
}

function insert(root: Node, path: readonly number[], country: string): void {
  let node = root;
  path.forEach((bit, depth) => {
    if (depth === path.length - 1) {
      node.children[bit] = { country };
      return;
    }
    const child = node.children[bit];
    const inner: Node = child !== undefined && "children" in child ? child : nodeAbove(child);
    node.children[bit] = inner;
    node = inner;
  });
}

/** A node in the place of a wider network: both halves are what that was. */
function nodeAbove(child: Child): Node {
  return { children: [child, child] };
}

function nodesBelow(root: Node): Node[] {
  const nodes = [root];
  for (const { children } of nodes)
    for (const child of children) if (child !== undefined && "children" in child) nodes.push(child);
  return nodes;
}

type Value = string | number | readonly string[] | { readonly [key: string]: Value };

/** Control byte and content: text is type 2, unsigned integers 6, maps 7, lists 11. */
function encode(value: Value): Buffer {
  if (typeof value === "string") {
    const content = Buffer.from(value);
    return Buffer.concat([control(2, content.length), content]);
  }
  if (typeof value === "number") {
    const content = Buffer.alloc(4);
    content.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), content]);
  }
  if (Array.isArray(value))
    return Buffer.concat([Buffer.from([value.length, 4]), ...value.map((each) => encode(each))]);
  const entries = Object.entries(value as { [key: string]: Value });
  const content = entries.flatMap(([key, each]) => [encode(key), encode(each)]);
  return Buffer.concat([control(7, entries.length), ...content]);
}

/** Sizes from 29 on have another byte. */
function control(type: number, size: number): Buffer {
  if (size < 29) return Buffer.from([(type << 5) | size]);
  return Buffer.from([(type << 5) | 29, size - 29]);
}
