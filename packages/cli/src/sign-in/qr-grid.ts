// The grid of a QR code: what stands in it whatever the text is, and where the text's bits go
// (ISO/IEC 18004:2015, 5.3, 6.3, 7.7 to 7.10).

/** A code of one size: dark modules, and those that are no data. */
export class QrGrid {
  readonly version: number;
  readonly size: number;
  readonly dark: boolean[][];
  readonly #isFixed: boolean[][];

  /** @param version 1 to 40 */
  constructor(version: number) {
    this.version = version;
    this.size = 4 * version + 17;
    this.dark = emptyGrid(this.size);
    this.#isFixed = emptyGrid(this.size);
    this.#drawTiming();
    this.#drawFinders();
    this.#drawAlignment();
    this.#drawVersion();
    // Their places are no data; what stands there depends on the mask.
    this.drawFormat(0);
  }

  #fix(row: number, column: number, isDark: boolean): void {
    const [cells, fixed] = [this.dark[row], this.#isFixed[row]];
    if (cells === undefined || fixed === undefined || column < 0 || column >= this.size) return;
    cells[column] = isDark;
    fixed[column] = true;
  }

  #drawTiming(): void {
    for (let at = 0; at < this.size; at++) {
      this.#fix(6, at, at % 2 === 0);
      this.#fix(at, 6, at % 2 === 0);
    }
  }

  #drawFinders(): void {
    const far = this.size - 4;
    for (const [row, column] of [
      [3, 3],
      [3, far],
      [far, 3],
    ] as const)
      this.#drawRings(row, column, 4, (distance) => distance !== 2 && distance !== 4);
  }

  /** @param isDark by the distance from the middle */
  #drawRings(row: number, column: number, reach: number, isDark: (distance: number) => boolean) {
    for (let down = -reach; down <= reach; down++)
      for (let right = -reach; right <= reach; right++)
        this.#fix(row + down, column + right, isDark(Math.max(Math.abs(down), Math.abs(right))));
  }

  #drawAlignment(): void {
    const places = alignmentPlaces(this.version);
    const last = places.length - 1;
    for (const [i, row] of places.entries())
      for (const [j, column] of places.entries()) {
        const isFinder = (i === 0 && (j === 0 || j === last)) || (i === last && j === 0);
        if (!isFinder) this.#drawRings(row, column, 2, (distance) => distance !== 1);
      }
  }

  #drawVersion(): void {
    if (this.version < 7) return;
    const bits = withRemainder(this.version, 12, 0x1f25);
    for (let bit = 0; bit < 18; bit++) {
      const [near, far] = [Math.floor(bit / 3), this.size - 11 + (bit % 3)];
      this.#fix(near, far, isSet(bits, bit));
      this.#fix(far, near, isSet(bits, bit));
    }
  }

  /** Says the level of correction, which is L, and the mask. */
  drawFormat(mask: number): void {
    const bits = withRemainder(0b01000 | mask, 10, 0x537) ^ 0x5412;
    const last = this.size - 1;
    for (let bit = 0; bit < 15; bit++) {
      const isDark = isSet(bits, bit);
      // Around the first finder, past the timing patterns.
      const along = bit < 6 ? bit : bit + 1;
      if (bit < 8) this.#fix(along, 8, isDark);
      else this.#fix(8, bit === 8 ? 7 : 14 - bit, isDark);
      // Beside the other two.
      if (bit < 8) this.#fix(8, last - bit, isDark);
      else this.#fix(last - 14 + bit, 8, isDark);
    }
    this.#fix(last - 7, 8, true);
  }

  /** Writes bytes where no pattern stands: in pairs of columns from the right, up and down. */
  drawData(bytes: readonly number[]): void {
    let at = 0;
    for (const [row, column] of this.#dataPlaces()) {
      const cells = this.dark[row];
      if (cells !== undefined) cells[column] = isSet(bytes[at >> 3] ?? 0, 7 - (at & 7));
      at++;
    }
  }

  /** Turns over the data modules that the mask names; once more, and they are as before. */
  applyMask(mask: number): void {
    const isTurned = masks[mask] ?? (() => false);
    for (const [row, column] of this.#dataPlaces()) {
      const cells = this.dark[row];
      if (cells !== undefined && isTurned(row, column)) cells[column] = !cells[column];
    }
  }

  *#dataPlaces(): Generator<[row: number, column: number]> {
    let isUpward = true;
    for (let right = this.size - 1; right > 0; right -= 2) {
      // The timing pattern has a column of its own.
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step++) {
        const row = isUpward ? this.size - 1 - step : step;
        for (const column of [right, right - 1])
          if (this.#isFixed[row]?.[column] === false) yield [row, column];
      }
      isUpward = !isUpward;
    }
  }
}

type Mask = (row: number, column: number) => boolean;

const masks: readonly Mask[] = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

function emptyGrid(size: number): boolean[][] {
  return Array.from({ length: size }, () => Array.from({ length: size }, () => false));
}

function isSet(bits: number, bit: number): boolean {
  return ((bits >> bit) & 1) === 1;
}

/** The value with the remainder of a BCH code behind it. */
function withRemainder(value: number, degree: number, generator: number): number {
  let rest = value;
  for (let step = 0; step < degree; step++)
    rest = (rest << 1) ^ ((rest >> (degree - 1)) * generator);
  return (value << degree) | rest;
}

function alignmentPlaces(version: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = version === 32 ? 26 : 2 * Math.ceil((version * 4 + 4) / (count * 2 - 2));
  const last = version * 4 + 10;
  const others = Array.from({ length: count - 1 }, (_, index) => last - index * step);
  return [6, ...others.reverse()];
}
