import { afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { fromText } from '../../src/core/base/byte-string.ts'
import { createInotifyWatchers } from '../../src/platform/inotify-watcher.ts'
import type { WatchSignal } from '../../src/platform/watcher.ts'
import { startInotifyWorker } from '../../src/spawn.ts'

setDefaultTimeout(40_000)

const root = mkdtempSync(join(tmpdir(), 'cd-inotify-'))
const factory = createInotifyWatchers(startInotifyWorker)
afterEach(async () => {
  await factory.close()
  rmSync(root, { recursive: true, force: true })
})

test('what nobody takes waits in the kernel, not in a queue without bound', async () => {
  const signals: WatchSignal[] = []
  const watcher = await factory.watch(fromText(root), (signal) => signals.push(signal))
  const names = Array.from({ length: 3000 }, (_, index) => `f${index}`)
  // Nothing is taken meanwhile: this does not leave the thread.
  for (const name of names) writeFileSync(join(root, name), '1')
  expect(await watcher.drain()).toBe(true)
  const told = new Set(
    signals
      .flatMap((signal) => (signal.kind === 'hints' ? signal.hints : []))
      .map(({ path }) => path as string),
  )
  expect(names.filter((name) => !told.has(name))).toEqual([])
  expect(signals.map(({ kind }) => kind)).not.toContain('overflow')
  expect(signals.length).toBeLessThan(100)
})
