import { describe, expect, test } from 'bun:test'

import { RE2JS } from 're2js'

import { compilePatterns } from '../../src/platform/pattern.ts'
import { random } from '../fakes/random.ts'

/** Wall time on a busy machine; unbounded ones take minutes or for ever. */
const BOUND_MS = 5000
const PATH_BYTES_MAX = 4096

const below = random(3)
const ofLetters = (letters: string, length: number) =>
  Array.from({ length }, () => letters[below(letters.length)]).join('')

const many = (count: number, pattern: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => pattern(index))

describe('hostile patterns are refused, or take bounded time and memory', () => {
  const cases: readonly [name: string, patterns: readonly string[], isRefused: boolean][] = [
    ['nested repetition', ['^(a+)+$', '(a|aa)+$', '(.*)*$', '(x+x+)+y'], false],
    ['counts of counts', ['(a{1000}){1000}'], true],
    ['counts of counts below the limit of the syntax', ['((a{10}){10}){10}', '(b{31}){31}'], false],
    ['what may be and what must be, a thousand times', ['(a?){1000}a{1000}'], true],
    ['the same a hundred times', ['(a?){100}a{100}'], false],
    ['large classes, counted', many(4, () => '[\\pL\\pN]{1000}'), true],
    ['many folds of case', ['(?i)[\\pL]{500}'], false],
    ['many groups', ['('.repeat(490) + 'a' + ')'.repeat(490)], false],
    ['a hundred long ones', many(100, (index) => `${index}${'.'.repeat(990)}`), true],
    ['many states of one machine', ['a[ab]{480}[^ab]'], false],
    ['many states of many machines', many(60, (index) => `a[ab]{${36 + (index % 8)}}[^ab]`), false],
    ['many ends', many(100, (index) => `a[ab]{${20 + (index % 8)}}[cd]$`), false],
    ['look-around and back references', ['(?=a)b'], true],
    ['atomic groups', ['(?>a+)b'], true],
    ['a class of everything, again and again', ['[^\\n]*[^\\n]*[^\\n]*[^\\n]*='], false],
    ['no pattern', ['\\'], true],
  ]
  test.each(cases)(
    '%s',
    (_name, patterns, isRefused) => {
      const startedMs = performance.now()
      const startedBytes = process.memoryUsage.rss()
      const compiled = compilePatterns(patterns)
      if (!compiled.ok) {
        expect(compiled.error.code).toBe('PATTERN_UNSAFE')
        expect(compiled.error.message.length).toBeLessThan(1000)
      }
      expect(!compiled.ok).toBe(isRefused)
      expect(performance.now() - startedMs).toBeLessThan(BOUND_MS)
      if (!compiled.ok) return
      const texts = [
        'a'.repeat(PATH_BYTES_MAX),
        `${'a'.repeat(PATH_BYTES_MAX)}!`,
        ofLetters('ab', PATH_BYTES_MAX),
        ofLetters('ab/é漢\n', PATH_BYTES_MAX),
      ]
      for (const text of texts) {
        const askedMs = performance.now()
        compiled.value(text)
        expect(performance.now() - askedMs).toBeLessThan(BOUND_MS)
      }
      expect(process.memoryUsage.rss() - startedBytes).toBeLessThan(300e6)
    },
    60_000,
  )
})

test('the message names the pattern that is one too many, the size and the limit', () => {
  const compiled = compilePatterns(['a', 'b{999}', 'c{999}', 'd{999}', 'e{999}'])
  if (compiled.ok) throw new Error('it must be refused')
  expect(compiled.error.message).toMatch(/"d\{999\}".* 30\d\d steps, at most 3000 /)
})

test('a machine of many patterns says what each of them says', () => {
  const patterns = [
    '\\.tmp$',
    '^(.*/)?\\.git(/|$)',
    '(?i)README',
    '\\bword\\b',
    'a.c',
    '^$',
    'x{2,3}',
    '[^a-z/]$',
    '(^|/)b',
    '漢',
  ]
  const parts = [
    'a',
    'b',
    'c',
    '/',
    '.tmp',
    '.git',
    'readme',
    'word',
    ' ',
    '\n',
    'xx',
    '漢',
    '\uFFFD',
    'Z',
  ]
  for (let round = 0; round < 500; round++) {
    const chosen = patterns.filter(() => below(3) === 0)
    const text = Array.from({ length: below(6) }, () => parts[below(parts.length)]).join('')
    const compiled = compilePatterns(chosen)
    if (!compiled.ok) throw new Error(compiled.error.message)
    const expected = chosen.some((pattern) => RE2JS.compile(pattern).test(text))
    expect([chosen, text, compiled.value(text)]).toEqual([chosen, text, expected])
  }
})
