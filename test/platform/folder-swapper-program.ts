// Replaces root/folder by a link to outside and back, as fast as it can, until it is killed. Argument: their folder.
import { renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const base = process.argv[2] ?? ''
const at = (name: string): string => join(base, 'root', name)
symlinkSync(join(base, 'outside'), at('link'))
console.log('swapping')
for (;;) {
  renameSync(at('folder'), at('aside'))
  renameSync(at('link'), at('folder'))
  renameSync(at('folder'), at('link'))
  renameSync(at('aside'), at('folder'))
}
