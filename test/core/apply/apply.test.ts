import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfinedTargetTree } from '../../../src/platform/confined-target-tree.ts'
import { MemoryTree } from '../../fakes/memory-tree.ts'
import { applySuite } from './apply.suite.ts'
import { applyAttributesSuite } from './attributes.suite.ts'
import { applyLinksSuite } from './links.suite.ts'

const inMemory = () => ({ tree: new MemoryTree(), dispose: () => undefined })
const onDisk = () => {
  const root = mkdtempSync(join(tmpdir(), 'cd-apply-'))
  const tree = new ConfinedTargetTree(root)
  const dispose = (): void => {
    tree.close()
    rmSync(root, { recursive: true, force: true })
  }
  return { tree, dispose }
}

applySuite('applying in memory', inMemory)
applySuite('applying on the real disk', onDisk)
applyAttributesSuite('attributes in memory', inMemory)
applyAttributesSuite('attributes on the real disk', onDisk)
applyLinksSuite('names of one file in memory', inMemory)
applyLinksSuite('names of one file on the real disk', onDisk)
