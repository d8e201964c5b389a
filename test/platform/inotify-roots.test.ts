import { expect, test } from 'bun:test'

import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { ROOT } from '../../src/core/path/rel-path.ts'
import type { InotifyKernel } from '../../src/platform/inotify-kernel.ts'
import { InotifyRoots } from '../../src/platform/inotify-roots.ts'
import { watchLimit } from '../../src/platform/watch-limit.ts'

/** A kernel over one folder with so many folders in it, which counts what is asked of it. */
function kernelWith(folders: number) {
  const asked = { adds: 0 }
  const names = Array.from({ length: folders }, (_, index) => fromText(`d${index}`))
  const kernel = {
    add: () => ++asked.adds,
    errno: () => 'ENOSPC',
    folders: (path: ByteString) => (path === '/root' ? names : []),
  }
  return { asked, roots: new InotifyRoots(kernel as unknown as InotifyKernel) }
}

const LIMIT = { setting: 'fs.inotify.max_user_watches', watchesMax: 100 }

test('folders are counted before the first is watched; the message names setting, value and number', () => {
  const { asked, roots } = kernelWith(100)
  const root = { id: 1, path: fromText('/root'), folders: new Map() }
  expect(() => roots.assertRoom(root, LIMIT)).toThrow(
    '101 folders are to be watched, more than fs.inotify.max_user_watches = 100 leaves',
  )
  expect(asked.adds).toBe(0)
  kernelWith(99).roots.assertRoom(root, LIMIT)
})

test('the folders of other roots count too', () => {
  const { roots } = kernelWith(50)
  const [one, other] = [1, 2].map((id) => ({ id, path: fromText('/root'), folders: new Map() }))
  if (one === undefined || other === undefined) throw new Error('two roots')
  roots.assertRoom(one, LIMIT)
  roots.watchTree(one, ROOT)
  expect(() => roots.assertRoom(other, LIMIT)).toThrow('102 folders are to be watched')
})

test('the kernel says what it allows', () => {
  expect(watchLimit()?.watchesMax).toBeGreaterThan(0)
})
