import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type FindAddon, addonFinder } from '../../scripts/build/addons.ts'
import { signatureFault } from '../../scripts/build/mach-o.ts'
import { buildProgram } from '../../scripts/build/program.ts'
import { type AddonName, TARGETS, type Target } from '../../src/platform/addon-packages.ts'

const MINUTE_MS = 60_000

/** How a file begins that runs on the target: its format, and the number of its processor. */
const FORMATS: Record<Target, (file: Buffer) => boolean> = {
  'linux-x64': (file) => isElf(file, 62),
  'linux-x64-musl': (file) => isElf(file, 62),
  'linux-arm64': (file) => isElf(file, 183),
  'linux-arm64-musl': (file) => isElf(file, 183),
  'darwin-arm64': (file) =>
    file.readUInt32LE(0) === 0xfeedfacf && file.readUInt32LE(4) === 0x0100000c,
  'windows-x64': (file) => file.toString('latin1', 0, 2) === 'MZ',
}

function isElf(file: Buffer, machine: number): boolean {
  return file.readUInt32BE(0) === 0x7f454c46 && file.readUInt16LE(18) === machine
}

/** From the middle, where no two addons are alike. */
function sampleOf(addon: string): Buffer {
  const bytes = readFileSync(addon)
  const middle = bytes.length >> 1
  return bytes.subarray(middle, middle + (64 << 10))
}

describe('executables for every target', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cd-cross-'))
  let findAddon: FindAddon

  beforeAll(async () => {
    findAddon = await addonFinder(TARGETS)
  }, 5 * MINUTE_MS)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const carried: readonly (readonly [string, readonly AddonName[]])[] = [
    ['src/agent.ts', ['lz4', 'watcher']],
    ['src/license.ts', ['libsql']],
  ]
  const cases = TARGETS.flatMap((target) =>
    carried.map(([entry, addons]) => [target, entry, addons] as const),
  )

  test.each(cases)(
    '%s: %s carries the addons of its target and no others',
    async (target, entry, addons) => {
      const file = join(folder, target === 'windows-x64' ? 'program.exe' : 'program')
      await buildProgram({ entry, file, target, findAddon })
      const built = readFileSync(file)
      rmSync(file)
      expect(FORMATS[target](built)).toBe(true)
      for (const name of ['lz4', 'watcher', 'libsql'] as const) {
        const isCarried = built.includes(sampleOf(findAddon(name, target)))
        expect(`${name}: ${isCarried}`).toBe(`${name}: ${addons.includes(name)}`)
      }
    },
    MINUTE_MS,
  )

  test(
    'the signature of a darwin executable is checked page by page',
    async () => {
      const file = join(folder, 'signed')
      await buildProgram({ entry: 'src/license.ts', file, target: 'darwin-arm64', findAddon })
      const built = readFileSync(file)
      expect(signatureFault(built)).toBeNull()
      const changed = built.length >> 1
      built.writeUInt8(built.readUInt8(changed) ^ 1, changed)
      expect(signatureFault(built)).toMatch(/^page \d+ of \d+ differs$/)
      expect(signatureFault(Buffer.concat([built, Buffer.alloc(1)]))).toBe(
        'the signature is not its end',
      )
    },
    MINUTE_MS,
  )
})
