import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** Gives numbers from 0 up to a limit, the same for the same seed. */
export function randomOf(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

const NAMES = ['a', 'b', 'c', 'd.tmp', 'e f', 'g\nh']

/** Does one random thing to a tree; what is impossible (a folder into itself, say) does nothing. */
export function disturb(root: string, random: (limit: number) => number): void {
  const pick = () =>
    join(root, ...Array.from({ length: 1 + random(3) }, () => NAMES[random(6)] ?? 'a'))
  const at = pick()
  const actions: (() => void)[] = [
    () => writeFileSync(at, 'x'.repeat(random(100))),
    () => writeFileSync(at, 'y'.repeat(random(100))),
    () => appendFileSync(at, '+'),
    () => mkdirSync(at, { recursive: true }),
    () => mkdirSync(at, { recursive: true }),
    () => rmSync(at, { recursive: true }),
    () => renameSync(at, pick()),
    () => renameSync(at, pick()),
    () => swap(at, pick(), join(root, 'swap')),
    () => chmodSync(at, 0o600 + random(0o200)),
    () => utimesSync(at, random(1e9), random(1e9)),
    () => symlinkSync(NAMES[random(6)] ?? 'a', at),
    () => linkSync(at, pick()),
    () => {
      writeFileSync(`${at}~`, 'z'.repeat(random(100)))
      renameSync(`${at}~`, at)
    },
  ]
  try {
    actions[random(actions.length)]?.()
  } catch (thrown) {
    // The system refuses what makes no sense; anything else is a fault of the test.
    if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
  }
}

function swap(left: string, right: string, aside: string): void {
  renameSync(left, aside)
  try {
    renameSync(right, left)
  } finally {
    renameSync(aside, readdirSync(join(left, '..')).length > 0 ? right : left)
  }
}
