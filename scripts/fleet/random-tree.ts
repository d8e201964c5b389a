import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A small seeded generator (mulberry32): the same tree for the same seed, on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** From one size in bytes up to below another. */
export interface Sizes {
  readonly from: number
  readonly below: number
}

const SMALL: Sizes = { from: 1024, below: 16 * 1024 }

/** Fills a folder with `count` files, of 1–16 KiB by default, a hundred to a folder; half of each compresses well. */
export function makeRandomTree(
  folder: string,
  count: number,
  { seed = 1, sizes = SMALL }: { readonly seed?: number; readonly sizes?: Sizes } = {},
): void {
  const random = seededRandom(seed)
  const noise = new Uint8Array(1 << 20)
  for (let index = 0; index < noise.length; index++) noise[index] = random() * 256
  for (let index = 0; index < count; index++) {
    const parent = join(folder, `d${Math.floor(index / 1000)}`, `d${Math.floor(index / 100) % 10}`)
    if (index % 100 === 0) mkdirSync(parent, { recursive: true })
    writeFileSync(join(parent, `file-${index}`), randomContent({ noise, random, sizes }, index))
  }
}

interface Contents {
  readonly noise: Uint8Array
  readonly random: () => number
  readonly sizes: Sizes
}

function randomContent({ noise, random, sizes }: Contents, index: number): Uint8Array {
  const size = sizes.from + Math.floor(random() * (sizes.below - sizes.from))
  const start = Math.floor(random() * (noise.length - size))
  const content = noise.slice(start, start + size)
  content.fill(0x20 + (index % 64), size >> 1)
  return content
}
