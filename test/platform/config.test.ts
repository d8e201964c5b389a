import { afterEach, expect, test } from 'bun:test'

import { childEnvironment, readEnvironment } from '../../src/platform/config.ts'

const before = { ...process.env }
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  Object.assign(process.env, before)
})

test.each([
  ['BUN_OPTIONS', false],
  ['BUN_BE_BUN', false],
  ['NODE_OPTIONS', false],
  ['NODE_TLS_REJECT_UNAUTHORIZED', false],
  ['LD_PRELOAD', false],
  ['CD_TEST_ORDINARY', true],
])('a child inherits %s: %p', (name, inherited) => {
  process.env[name] = 'x'
  expect(name in childEnvironment()).toBe(inherited)
})

test('the cache folder follows XDG_CACHE_HOME where it is absolute', () => {
  process.env['XDG_CACHE_HOME'] = '/var/cache'
  expect(readEnvironment().cacheDirectory).toBe('/var/cache/cd-master')
  process.env['XDG_CACHE_HOME'] = 'relative'
  expect(readEnvironment().cacheDirectory).not.toContain('relative')
})
