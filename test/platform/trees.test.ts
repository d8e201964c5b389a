import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfinedReadTree } from '../../src/platform/confined-read-tree.ts'
import { ConfinedTargetTree } from '../../src/platform/confined-target-tree.ts'
import { PortableReadTree } from '../../src/platform/portable-tree.ts'
import { attributeSuite } from './attributes.suite.ts'
import { targetTreeSuite } from './target-tree.suite.ts'
import { type TreeFixture, readTreeSuite } from './tree.suite.ts'

const fixture = (Reader: typeof ConfinedReadTree | typeof PortableReadTree) => (): TreeFixture => {
  const root = mkdtempSync(join(tmpdir(), 'cd-tree-'))
  const reader = new Reader(root)
  const writer = new ConfinedTargetTree(root)
  const dispose = (): void => {
    reader.close()
    writer.close()
    rmSync(root, { recursive: true, force: true })
  }
  return { reader, writer, dispose }
}

readTreeSuite('confined tree, reading', fixture(ConfinedReadTree))
readTreeSuite('portable tree, reading', fixture(PortableReadTree))
targetTreeSuite('confined tree, writing', fixture(ConfinedReadTree))
attributeSuite('confined tree, attributes', fixture(ConfinedReadTree))
