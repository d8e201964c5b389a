import { expect, test } from 'bun:test'

import { standingOf } from '../../../src/core/apply/contest.ts'
import type { SiblingRow } from '../../../src/core/apply/siblings.ts'
import type { Entry, SentState } from '../../../src/core/change/entry.ts'
import { EPOCH, MTIME, file, folder, symlink } from './harness.ts'

const later = { mtimeNs: MTIME + 1n }
const stateOf = ({ state }: Entry): SentState => {
  if (state === null) throw new Error('nothing is there')
  return state
}
const x = stateOf(file(1, 'f', 'x'))
const y = stateOf(file(1, 'f', 'y'))
const laterX = stateOf(file(1, 'f', 'x', later))
const laterY = stateOf(file(1, 'f', 'y', later))
const aFolder = stateOf(folder(1, 'f'))
const link = stateOf(symlink(1, 'f', 'x'))

/** Rows of sources, of which the one asked about has the order 1. */
const others = (...states: readonly (readonly [number, SentState])[]): SiblingRow[] =>
  states.map(([order, state]) => {
    const { type, size, mtimeNs } = state
    const stat = { type, size, mtimeNs, ctimeNs: 0n, inode: 1n, device: 1n }
    const row = { path: 'f' as never, epoch: EPOCH, seq: 1, list: 1, state, stat }
    return { bindingId: `s${order}`, order, row }
  })

test.each([
  ['nobody else has it', x, [], 'leads', 'leads'],
  ['another has the same, later', x, [[2, laterX]], 'agrees', 'leads'],
  ['another has the same, earlier', laterX, [[0, x]], 'leads', 'agrees'],
  ['another has something else, later', x, [[2, laterY]], 'yields', 'leads'],
  ['another has something else, earlier', laterX, [[0, y]], 'leads', 'yields'],
  ['of one time, by order', x, [[0, y]], 'yields', 'yields'],
  ['of one time, by order, the other way', x, [[2, y]], 'leads', 'leads'],
  [
    'the last of three',
    x,
    [
      [0, y],
      [2, laterX],
    ],
    'agrees',
    'yields',
  ],
  ['a folder and a file', aFolder, [[0, laterY]], 'leads', 'leads'],
  ['a file and a folder', laterY, [[2, aFolder]], 'yields', 'yields'],
  ['a file and a link', x, [[0, link]], 'yields', 'yields'],
] as const)('%s', (...[, state, rows, newest, sourceOrder]) => {
  const at = others(...rows)
  expect(standingOf({ order: 1, conflict: 'newest' }, state, at)).toBe(newest)
  expect(standingOf({ order: 1, conflict: 'sourceOrder' }, state, at)).toBe(sourceOrder)
})
