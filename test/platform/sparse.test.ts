import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfinedTargetTree } from '../../src/platform/confined-target-tree.ts'
import { at } from './tree.suite.ts'

const MIB = 1 << 20

let root: string
let tree: ConfinedTargetTree

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cd-sparse-'))
  tree = new ConfinedTargetTree(root)
})
afterEach(() => {
  tree.close()
  rmSync(root, { recursive: true, force: true })
})

/** Bytes that a file takes on the disk. */
function takenBytes(name: string): number {
  return statSync(join(root, name)).blocks * 512
}

/** A file from a text: `x` is a MiB of data, `.` one that is a hole. */
function make(name: string, text: string): void {
  const handle = tree.create(at(name))
  for (const each of text) {
    if (each === 'x') handle.write(new Uint8Array(MIB).fill(0x78))
    else handle.skip(MIB)
  }
  handle.close()
}

function look(name: string): string {
  const content = readFileSync(join(root, name))
  const marks = Array.from({ length: content.length / MIB }, (_, index) =>
    content.subarray(index * MIB, (index + 1) * MIB).every((byte) => byte === 0x78) ? 'x' : '.',
  )
  return marks.join('')
}

test.each(['x', '.', 'x..', '..x', '.x..x.', 'xx....x'])('%s is written and copied', (text) => {
  make('file', text)
  tree.copy(at('file'), at('copy'))
  const dataBytes = text.split('').filter((each) => each === 'x').length * MIB
  for (const name of ['file', 'copy']) {
    expect(look(name)).toBe(text)
    expect(takenBytes(name)).toBeLessThan(dataBytes + 256 * 1024)
    expect(takenBytes(name)).toBeGreaterThanOrEqual(dataBytes)
  }
})

test('what is appended stands behind a hole', () => {
  make('file', 'x.')
  const handle = tree.append(at('file'), 2 * MIB)
  handle.write(new Uint8Array(MIB).fill(0x78))
  handle.skip(MIB)
  handle.close()
  expect(look('file')).toBe('x.x.')
  expect(takenBytes('file')).toBeLessThan(2 * MIB + 256 * 1024)
})
