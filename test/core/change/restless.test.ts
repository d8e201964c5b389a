import { expect, test } from 'bun:test'

import { RestlessFiles } from '../../../src/core/change/restless.ts'
import { at } from '../../platform/tree.suite.ts'

test('a file that changed whenever it was read is restless after a while, until it was read', () => {
  const files = new RestlessFiles(1000)
  const log = at('log')
  expect(files.has(log, 0)).toBe(false)
  files.changed([log], 0)
  files.changed([log, at('other')], 900)
  expect([files.has(log, 999), files.has(log, 1000), files.has(at('other'), 1000)]).toEqual([
    false,
    true,
    false,
  ])
  files.rested(log)
  expect(files.has(log, 5000)).toBe(false)
})

test('of too many the oldest are forgotten', () => {
  const files = new RestlessFiles(0)
  const paths = Array.from({ length: 10_001 }, (_, index) => at(`${index}`))
  files.changed(paths, 0)
  expect([files.has(at('0'), 1), files.has(at('1'), 1), files.has(at('10000'), 1)]).toEqual([
    false,
    true,
    true,
  ])
})
