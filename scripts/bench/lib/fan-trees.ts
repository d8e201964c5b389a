import { randomFillSync } from 'node:crypto'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { seededRandom } from '../../fleet/random-tree.ts'

const WORDS = 2000
const TEXT_BYTES = 1 << 20

/** One file of so many bytes that nothing makes smaller. */
export function makeNoiseFile(folder: string, bytes: number): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'large.bin'), randomFillSync(new Uint8Array(bytes)))
}

/** So many files of 1–16 KiB, a hundred to a folder, of bytes that nothing makes smaller. */
export function makeNoiseTree(folder: string, count: number): void {
  makeSmallFiles(folder, count, (size) => randomFillSync(new Uint8Array(size)))
}

/** The same as text: words of a language that nobody speaks, some of them more frequent than others. */
export function makeTextTree(folder: string, count: number): void {
  const random = seededRandom(3)
  const text = makeText(random)
  makeSmallFiles(folder, count, (size) => {
    const start = Math.floor(random() * (text.length - size))
    return text.subarray(start, start + size)
  })
}

/** The bytes of all files below a folder. */
export function sizeOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const stats = names.map((name) => statSync(join(folder, name)))
  return stats.reduce((sum, stat) => (stat.isFile() ? sum + stat.size : sum), 0)
}

function makeSmallFiles(
  folder: string,
  count: number,
  contentOf: (size: number) => Uint8Array,
): void {
  const random = seededRandom(1)
  for (let index = 0; index < count; index++) {
    const parent = join(folder, `d${Math.floor(index / 1000)}`, `d${Math.floor(index / 100) % 10}`)
    if (index % 100 === 0) mkdirSync(parent, { recursive: true })
    const size = 1024 + Math.floor(random() * 15 * 1024)
    writeFileSync(join(parent, `file-${index}.txt`), contentOf(size))
  }
}

function makeText(random: () => number): Uint8Array {
  const letters = 'etaoinshrdlucmfwygpbvk'
  const word = () =>
    Array.from({ length: 2 + Math.floor(random() * 8) }, () => {
      return letters[Math.floor(random() ** 1.7 * letters.length)] ?? 'e'
    }).join('')
  const words = Array.from({ length: WORDS }, word)
  let text = ''
  while (text.length < TEXT_BYTES) {
    const next = words[Math.floor(random() ** 2.5 * WORDS)] ?? 'e'
    text += `${next}${random() < 0.1 ? '.\n' : ' '}`
  }
  return new TextEncoder().encode(text)
}
