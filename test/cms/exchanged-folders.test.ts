import { afterEach, expect, test } from 'bun:test'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Rig } from './rig.ts'

let rig: Rig
afterEach(() => rig.remove())

test('of two folders that change names, nothing stays behind under either', async () => {
  rig = new Rig()
  const at = (path: string) => join(rig.root, path)
  mkdirSync(at('full/folder/sub'), { recursive: true })
  writeFileSync(at('full/folder/sub/inside'), '1')
  writeFileSync(at('full/file'), '2')
  mkdirSync(at('empty'))
  await rig.start()
  await rig.flush()

  renameSync(at('empty'), at('spare'))
  renameSync(at('full'), at('empty'))
  renameSync(at('spare'), at('full'))
  await rig.flush()

  expect(rig.paths()).toEqual([
    'empty',
    'empty/file',
    'empty/folder',
    'empty/folder/sub',
    'empty/folder/sub/inside',
    'full',
  ])
})
