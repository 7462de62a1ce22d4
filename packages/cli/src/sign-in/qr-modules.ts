// A text as the modules of a QR code: in bytes, with correction of level L, which is the smallest
// (ISO/IEC 18004:2015, 7). What a terminal shows is clean: nothing has to be corrected.
import { QrGrid } from "./qr-grid.ts";

/** By version, from 1 on: bytes of correction in each block, and blocks. Level L, table 9. */
const correction = [
  7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28, 28, 28, 30, 30, 26,
  28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
];
const blocks = [
  1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15,
  16, 17, 18, 19, 19, 20, 21, 22, 24, 25,
];

/** Any is valid; this one turns over a third of the modules, in no stripes (table 10). */
const mask = 3;

/**
 * The modules by rows, true for a dark one, without the light around them.
 * @throws {RangeError} for more than 2953 bytes
 */
export function qrModules(text: string): readonly (readonly boolean[])[] {
  const bytes = [...Buffer.from(text)];
  const version = versionFor(bytes.length);
  const grid = new QrGrid(version);
  grid.drawData(interleaved(version, dataFor(version, bytes)));
  grid.applyMask(mask);
  grid.drawFormat(mask);
  return grid.dark;
}

function versionFor(length: number): number {
  const version = blocks.findIndex((_, index) => length <= capacityOf(index + 1)) + 1;
  if (version === 0) throw new RangeError("the text is too long for a QR code");
  return version;
}

/** Bytes of text: four bits say that they are bytes, and eight or sixteen how many. */
function capacityOf(version: number): number {
  return dataLength(version) - (version < 10 ? 2 : 3);
}

function dataLength(version: number): number {
  const [perBlock = 0, count = 0] = [correction[version - 1], blocks[version - 1]];
  return totalLength(version) - perBlock * count;
}

/** Bytes that fit between the patterns. */
function totalLength(version: number): number {
  const aligned = version === 1 ? 0 : Math.floor(version / 7) + 2;
  const alignment = aligned === 0 ? 0 : (25 * aligned - 10) * aligned - 55;
  const versions = version < 7 ? 0 : 36;
  return Math.floor(((16 * version + 128) * version + 64 - alignment - versions) / 8);
}

/** Mode, length and text, all four bits off, and then filling. */
function dataFor(version: number, bytes: readonly number[]): number[] {
  const { length } = bytes;
  const head = version < 10 ? [length] : [length >> 8, length & 0xff];
  const shifted = [...head, ...bytes];
  const data = shifted.map((byte, index) => ((shifted[index - 1] ?? 4) & 15) * 16 + (byte >> 4));
  data.push(((shifted.at(-1) ?? 0) & 15) * 16);
  const total = dataLength(version);
  for (let fill = 0xec; data.length < total; fill ^= 0xec ^ 0x11) data.push(fill);
  return data;
}

/** The blocks, byte by byte in turn, and then their correction likewise. Short ones come first. */
function interleaved(version: number, data: readonly number[]): number[] {
  const [perBlock = 0, count = 1] = [correction[version - 1], blocks[version - 1]];
  const short = Math.floor(data.length / count);
  const shortBlocks = count - (data.length % count);
  const starts = Array.from(
    { length: count + 1 },
    (_, i) => i * short + Math.max(0, i - shortBlocks),
  );
  const parts = starts.slice(0, count).map((start, i) => data.slice(start, starts[i + 1]));
  return [...inTurn(parts), ...inTurn(parts.map((part) => remainderOf(part, perBlock)))];
}

function inTurn(parts: readonly (readonly number[])[]): number[] {
  const longest = Math.max(...parts.map(({ length }) => length));
  const places = Array.from({ length: longest }, (_, index) => index);
  return places.flatMap((index) => parts.flatMap((part) => part[index] ?? []));
}

/** Reed and Solomon's correction of a block: the remainder of its polynomial. */
function remainderOf(block: readonly number[], degree: number): number[] {
  const generator = generatorOf(degree);
  const rest: number[] = Array.from({ length: degree }, () => 0);
  for (const byte of block) {
    const factor = byte ^ (rest.shift() ?? 0);
    rest.push(0);
    for (const [index, each] of generator.entries())
      rest[index] = (rest[index] ?? 0) ^ product(each, factor);
  }
  return rest;
}

/** (x - 1)(x - 2)(x - 4)…, without its first coefficient. */
function generatorOf(degree: number): number[] {
  let coefficients: number[] = [1];
  let root = 1;
  for (let step = 0; step < degree; step++) {
    const shifted = [...coefficients, 0];
    coefficients = shifted.map((each, i) => each ^ product(coefficients[i - 1] ?? 0, root));
    root = product(root, 2);
  }
  return coefficients.slice(1);
}

/** In the field of 256 elements with the polynomial of QR codes. */
function product(left: number, right: number): number {
  let result = 0;
  for (let bit = 7; bit >= 0; bit--) {
    result = (result << 1) ^ ((result >> 7) * 0x11d);
    if (((right >> bit) & 1) === 1) result ^= left;
  }
  return result;
}
