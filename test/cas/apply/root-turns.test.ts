import { expect, test } from 'bun:test'

import { RootTurns } from '../../../src/cas/apply/root-turns.ts'

test('one at a time below a root; another root is another matter', () => {
  const turns = new RootTurns()
  const [one, other] = [{}, {}]
  expect(turns.take('/a', one)).toBe(true)
  expect(turns.take('/a', one)).toBe(true)
  expect(turns.take('/a', other)).toBe(false)
  expect(turns.take('/b', other)).toBe(true)
  turns.end('/a', other)
  expect(turns.take('/a', other)).toBe(false)
  turns.end('/a', one)
  expect(turns.take('/a', other)).toBe(true)
})
