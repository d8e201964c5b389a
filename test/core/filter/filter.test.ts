import { describe, expect, test } from 'bun:test'

import { type ByteString, fromText } from '../../../src/core/base/byte-string.ts'
import { type FilterPatterns, createFilter } from '../../../src/core/filter/filter.ts'
import type { RelPath } from '../../../src/core/path/rel-path.ts'
import { compilePatterns } from '../../../src/platform/pattern.ts'

const path = (text: string) => fromText(text) as ByteString as RelPath
function filter(patterns: Partial<FilterPatterns>) {
  const made = createFilter({ include: [], exclude: [], ...patterns }, compilePatterns)
  if (!made.ok) throw new Error(made.error.message)
  return made.value
}

describe('what is let through', () => {
  const cases: readonly [
    name: string,
    patterns: Partial<FilterPatterns>,
    path: string,
    kind: 'folder' | 'leaf',
    expected: boolean,
  ][] = [
    ['no pattern lets all through', {}, 'a/b', 'leaf', true],
    ['include names what may pass', { include: ['\\.html$'] }, 'a/b.html', 'leaf', true],
    ['include keeps the rest out', { include: ['\\.html$'] }, 'a/b.txt', 'leaf', false],
    ['include is not for folders', { include: ['\\.html$'] }, 'a', 'folder', true],
    ['exclude comes after include', { include: ['b'], exclude: ['^a/'] }, 'a/b', 'leaf', false],
    ['exclude is for folders too', { exclude: ['^tmp$'] }, 'tmp', 'folder', false],
    ['what lies in an excluded folder', { exclude: ['^tmp$'] }, 'tmp/a/b', 'leaf', false],
    ['a name that only begins alike', { exclude: ['^tmp$'] }, 'tmp2/a', 'leaf', true],
    ['the root is always in the view', { exclude: ['.*'] }, '', 'folder', true],
    ['text, not bytes', { include: ['^é.$'] }, 'éä', 'leaf', true],
    ['case can be ignored', { exclude: ['(?i)\\.TMP$'] }, 'x.tmp', 'leaf', false],
  ]
  test.each(cases)('%s', (...[, patterns, at, kind, expected]) => {
    expect(filter(patterns).letsThrough(path(at), kind)).toBe(expected)
  })
})

test('a byte that is not UTF-8 is U+FFFD to a pattern', () => {
  const at = 'a\xff' as RelPath
  expect(filter({ exclude: ['^a\uFFFD$'] }).letsThrough(at, 'leaf')).toBe(false)
  expect(filter({ exclude: ['^a.$'] }).letsThrough(at, 'leaf')).toBe(false)
  expect(filter({ exclude: ['^aÿ$'] }).letsThrough(at, 'leaf')).toBe(true)
})

test.each(['(?=a)b', '(?<=a)b', '(a)\\1', '(', 'a{2000}', '*'])('%s is refused', (pattern) => {
  const made = createFilter({ include: [], exclude: [pattern] }, compilePatterns)
  expect(made.ok ? 'accepted' : made.error.code).toBe('PATTERN_UNSAFE')
})

test('a pattern that hangs backtracking engines does not hang', () => {
  const started = performance.now()
  const evil = filter({ exclude: ['^(a+)+$'] })
  expect(evil.letsThrough(path(`${'a'.repeat(200)}b`), 'leaf')).toBe(true)
  expect(performance.now() - started).toBeLessThan(1000)
})
