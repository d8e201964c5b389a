import { afterEach, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'

import type { RelPath } from '../../src/core/path/rel-path.ts'
import { Rig, until } from './rig.ts'
import { SilentWatchers } from './silent-watchers.ts'

let rig: Rig
afterEach(() => rig.remove())

test('hints that wait in messages of their own are dealt with together', async () => {
  const watchers = new SilentWatchers()
  rig = await new Rig({ watchers }).start()
  await rig.flush()
  const names = Array.from({ length: 300 }, (_, index) => `f${index}`)
  for (const name of names) {
    writeFileSync(rig.at(name), '1')
    setImmediate(() => watchers.say({ kind: 'hints', hints: [hint(name)] }))
  }
  await until(() => rig.paths().length === names.length, 'all are known')
  expect(rig.pages.length).toBeLessThan(10)
})

function hint(name: string) {
  return { path: name as RelPath, kind: 'closed', cookie: null, isDirectory: false } as const
}
