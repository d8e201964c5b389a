import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

const FOLDERS = 20

/** Makes the folders in which a storm will rage: they are watched before it begins. */
export function makeFolders(root: string): void {
  for (let index = 0; index < FOLDERS; index++) mkdirSync(join(root, `d${index}`))
}

/**
 * Does so many things in these folders: files are made, changed, renamed and removed, folders are made, moved in and
 * renamed. What an earlier storm left is removed meanwhile.
 */
export function storm(root: string, run: number, changes: number): void {
  let done = 0
  const change = (act: () => void) => {
    if (done++ < changes) act()
  }
  for (let index = 0; done < changes; index++) {
    const parent = join(root, `d${index % FOLDERS}`)
    const folder = join(parent, `r${run}-${index}`)
    const earlier = join(parent, `r${run - 1}-${index}`)
    change(() => rmSync(earlier, { recursive: true, force: true }))
    change(() => mkdirSync(folder))
    for (let file = 0; file < 8; file++) {
      const path = join(parent, `r${run}-${index}-${file}`)
      change(() => writeFileSync(path, String(file)))
      if (file % 4 === 1) change(() => appendFileSync(path, 'more'))
      if (file % 4 === 2) change(() => renameSync(path, join(folder, 'moved')))
      if (file % 4 === 3) change(() => rmSync(path))
      if (file === 4) change(() => chmodSync(path, 0o600))
      if (file !== 3 && file !== 7) rmSync(join(parent, `r${run - 1}-${index}-${file}`), FORCE)
    }
    if (index % 4 === 1) change(() => renameSync(folder, `${folder}-renamed`))
    if (index % 4 === 2) change(() => renameSync(folder, join(root, 'd0', `r${run}-in-${index}`)))
  }
}

const FORCE = { recursive: true, force: true } as const

/**
 * Writes two files in turns, so that no watcher's queue can take two of the writes together, and then makes a folder with
 * a file: the last of what a full queue no longer tells.
 */
export function writeInTurns(root: string, name: string, writes: number): void {
  const at = (path: string) => join(root, 'd1', `${name}-${path}`)
  const files = ['a', 'b'].map((file) => openSync(at(file), 'w'))
  for (let index = 0; index < writes; index++) writeSync(files[index % 2] ?? 0, '+')
  for (const file of files) closeSync(file)
  mkdirSync(at('late/later'), { recursive: true })
  writeFileSync(at('late/later/file'), 'the last of all')
}
