import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import { AppError } from '../../src/core/base/errors.ts'
import { ACCESS_LIST, INHERITED_LIST } from '../../src/core/change/attributes.ts'
import type { FileType } from '../../src/core/change/entry.ts'
import type { Hint, HintKind } from '../../src/core/change/hint.ts'
import { type RelPath, ROOT, child, isBelow, parent } from '../../src/core/path/rel-path.ts'
import { accessList } from '../fakes/access-lists.ts'
import { find } from '../fakes/memory-disk.ts'
import { type MemoryTree, walk } from '../fakes/memory-tree.ts'
import type { Dice } from './dice.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e f', '\xff'] as const
const CONTENTS = ['', 'one', 'two', 'six', 'longer content', 'x'.repeat(5000)] as const
const MODES = [0o644, 0o600, 0o755, 0o4711] as const
const DEPTH_MAX = 3
const ATTRIBUTES = ['user.a', 'user.b', 'security.capability', 'trusted.not.sent'] as const
const LISTS = [
  accessList('u::rwx', 'u:1:rw-', 'g::---', 'm::rw-', 'o::---'),
  accessList('u::rw-', 'g::r--', 'g:2:rwx', 'm::rwx', 'o::r--'),
] as const

/** What people and programs do in a folder, by chance, with the hints that a watcher gives of it. */
export class SourceOperations {
  readonly #tree: MemoryTree
  readonly #dice: Dice
  readonly #hint: (hint: Hint) => void
  /** Whether files get further names. */
  readonly makesNames: boolean
  #cookie = 0

  constructor(tree: MemoryTree, dice: Dice, hint: (hint: Hint) => void) {
    this.#tree = tree
    this.#dice = dice
    this.#hint = hint
    this.makesNames = dice.oneIn(2)
  }

  /** Does one thing, if it can be done; gives its name for a trace. */
  next(): string {
    const operations = [
      () => this.#create(),
      () => this.#create(),
      () => this.#makeFolder(),
      () => this.#overwrite(),
      () => this.#append(),
      () => this.#saveByRename(),
      () => this.#rename('file'),
      () => this.#rename('directory'),
      () => this.#exchange(),
      () => this.#exchange(),
      () => this.#remove(),
      () => this.#removeAll(),
      () => this.#changeMode(),
      () => this.#changeAttribute(),
      () => this.#changeList(),
      () => this.#overwriteKeepingTime(),
      () => this.#makeLink(),
      ...(this.makesNames ? [() => this.#makeName(), () => this.#makeName()] : []),
      () => this.#splitOff(),
      () => this.#changeType(),
      () => this.#backUp(),
    ]
    try {
      return this.#dice.pick(operations)?.() ?? 'nothing'
    } catch (thrown) {
      // A name that is taken, a folder moved into itself: the disk refuses, as it would.
      if (!(thrown instanceof AppError)) throw thrown
      return `refused: ${thrown.message}`
    }
  }

  #create(path = this.#freePath()): string {
    if (path === null) return 'create: no room'
    this.#write(path, this.#content())
    return `create ${path}`
  }

  #makeFolder(path = this.#freePath()): string {
    if (path === null) return 'make folder: no room'
    this.#tree.makeDirectory(path, 0o755)
    this.#tell('created', path, true)
    return `make folder ${path}`
  }

  #overwrite(): string {
    const path = this.#existing('file')
    if (path === null) return 'overwrite: no file'
    this.#tree.overwrite(path, this.#content())
    this.#tell('changed', path, false)
    this.#tell('closed', path, false)
    return `overwrite ${path}`
  }

  #append(): string {
    const path = this.#existing('file')
    if (path === null) return 'append: no file'
    const content = find(this.#tree.disk.world, path)?.content ?? new Uint8Array()
    if (content.length > 20_000) return 'append: long enough'
    this.#tree.overwrite(path, Buffer.concat([content, Buffer.from('more')]))
    this.#tell('changed', path, false)
    if (!this.#dice.oneIn(3)) this.#tell('closed', path, false)
    return `append ${path}`
  }

  #saveByRename(): string {
    const path = this.#existing('file')
    if (path === null) return 'save: no file'
    const temporary = `${path}.tmp` as RelPath
    this.#write(temporary, this.#content())
    this.#move(temporary, path)
    return `save ${path}`
  }

  #rename(type: FileType): string {
    const from = this.#existing(type)
    const to = this.#dice.oneIn(3) ? this.#existing(type) : this.#freePath()
    if (from === null || to === null || from === to || isBelow(to, from)) return 'rename: nothing'
    this.#move(from, to)
    return `rename ${from} to ${to}`
  }

  #exchange(): string {
    const one = this.#existing('file')
    const other = this.#existing('file')
    if (one === null || other === null || one === other) return 'exchange: nothing'
    if (!exchange(this.#tree, one, other)) return 'exchange: the name aside is taken'
    for (const path of [one, other]) {
      this.#tell('movedFrom', path, false)
      this.#tell('movedTo', path, false)
    }
    return `exchange ${one} and ${other}`
  }

  #remove(): string {
    const path = this.#existing('file') ?? this.#existing('symlink')
    if (path === null) return 'remove: nothing'
    this.#unlink(path)
    return `remove ${path}`
  }

  #removeAll(): string {
    const folder = this.#existing('directory')
    if (folder === null) return 'remove all: no folder'
    for (const path of [...walk(this.#tree, folder)].toReversed()) this.#unlink(path)
    this.#unlink(folder)
    return `remove all of ${folder}`
  }

  #changeMode(): string {
    const path = this.#existing('file') ?? this.#existing('directory')
    if (path === null) return 'change mode: nothing'
    const type = this.#tree.lstat(path)?.type ?? 'file'
    const mode = this.#dice.pick(MODES)
    this.#tree.setMetadata(path, type, { mode, owner: null, mtimeNs: null })
    this.#tell('attributes', path, type === 'directory')
    return `change mode of ${path}`
  }

  #changeAttribute(): string {
    const path = this.#existing('file') ?? this.#existing('directory')
    if (path === null) return 'change attribute: nothing'
    const name = this.#dice.pick(ATTRIBUTES) ?? 'user.a'
    const value = this.#dice.oneIn(3) ? null : `${this.#dice.below(3)}`
    this.#setAttribute(path, name as ByteString, value as ByteString | null)
    return `change ${name} of ${path}`
  }

  #changeList(): string {
    const path = this.#existing(this.#dice.oneIn(2) ? 'file' : 'directory')
    if (path === null) return 'change list: nothing'
    const isFolder = this.#tree.lstat(path)?.type === 'directory'
    const name = isFolder && this.#dice.oneIn(2) ? INHERITED_LIST : ACCESS_LIST
    const list = this.#dice.oneIn(3) ? null : this.#dice.pick(LISTS)
    this.#setAttribute(path, name, list)
    return `change ${name} of ${path}`
  }

  #setAttribute(path: RelPath, name: ByteString, value: ByteString | null): void {
    const type = this.#tree.lstat(path)?.type ?? 'file'
    this.#tree.openMetadata(path, type).setAttribute(name, value)
    this.#tell('attributes', path, type === 'directory')
  }

  /** As `cp -p` and some archivers do: other content, same time, perhaps the same size. */
  #overwriteKeepingTime(): string {
    const path = this.#existing('file')
    const before = path === null ? null : this.#tree.lstat(path)
    if (path === null || before === null) return 'overwrite keeping time: no file'
    this.#tree.overwrite(path, this.#content())
    this.#tree.setMetadata(path, 'file', { mode: null, owner: null, mtimeNs: before.mtimeNs })
    this.#tell('changed', path, false)
    this.#tell('closed', path, false)
    this.#tell('attributes', path, false)
    return `overwrite ${path} keeping its time`
  }

  #makeLink(path = this.#freePath()): string {
    if (path === null) return 'link: no room'
    this.#tree.makeSymlink(path, fromText(this.#dice.pick(NAMES) ?? 'a'))
    this.#tell('created', path, false)
    return `link ${path}`
  }

  /** Another name for a file; of the first nobody tells. */
  #makeName(): string {
    const from = this.#existing('file')
    const to = this.#freePath()
    if (from === null || to === null) return 'name: no room'
    this.#tree.link(from, to)
    this.#tell('created', to, false)
    return `name ${from} also ${to}`
  }

  /** A copy of a file takes the place of one of its names. */
  #splitOff(): string {
    const path = this.#existing('file')
    const before = path === null ? null : this.#tree.lstat(path)
    if (path === null || before === null) return 'split off: no file'
    const copy = `${path}.copy` as RelPath
    this.#write(copy, find(this.#tree.disk.world, path)?.content ?? new Uint8Array())
    const { mode, mtimeNs } = before
    this.#tree.setMetadata(copy, 'file', { mode, owner: null, mtimeNs })
    this.#move(copy, path)
    return `split off ${path}`
  }

  #changeType(): string {
    const path = this.#existing('file')
    if (path === null) return 'change type: no file'
    this.#unlink(path)
    const makers = [() => this.#makeFolder(path), () => this.#makeLink(path)]
    this.#dice.pick(makers)?.()
    return `change type of ${path}`
  }

  #backUp(): string {
    const path = this.#existing('file')
    if (path === null) return 'back up: no file'
    const copy = `${path}~` as RelPath
    this.#move(path, copy)
    this.#write(path, this.#content())
    return `back up ${path}`
  }

  #write(path: RelPath, content: Uint8Array): void {
    const handle = this.#tree.create(path)
    if (content.length > 0) handle.write(content)
    handle.close()
    this.#tell('created', path, false)
    this.#tell('changed', path, false)
    this.#tell('closed', path, false)
  }

  #move(from: RelPath, to: RelPath): void {
    const isDirectory = this.#tree.lstat(from)?.type === 'directory'
    this.#tree.rename(from, to)
    const cookie = ++this.#cookie
    this.#hint({ kind: 'movedFrom', path: from, cookie, isDirectory })
    this.#hint({ kind: 'movedTo', path: to, cookie, isDirectory })
  }

  #unlink(path: RelPath): void {
    const isDirectory = this.#tree.lstat(path)?.type === 'directory'
    if (isDirectory) this.#tree.removeDirectory(path)
    else this.#tree.unlink(path)
    this.#tell('removed', path, isDirectory)
  }

  #tell(kind: HintKind, path: RelPath, isDirectory: boolean): void {
    this.#hint({ kind, path, cookie: null, isDirectory })
  }

  #content(): Uint8Array {
    const content = this.#dice.pick(CONTENTS) ?? ''
    return Buffer.from(this.#dice.oneIn(2) ? content : `${content}${this.#dice.below(1000)}`)
  }

  #existing(type: FileType): RelPath | null {
    const paths = [...walk(this.#tree, ROOT)]
    return this.#dice.pick(paths.filter((path) => this.#tree.lstat(path)?.type === type))
  }

  #freePath(): RelPath | null {
    const folders = [ROOT, ...walk(this.#tree, ROOT)].filter(
      (path) => this.#tree.lstat(path)?.type === 'directory' && depthOf(path) < DEPTH_MAX,
    )
    const folder = this.#dice.pick(folders) ?? ROOT
    const name = this.#dice.pick(NAMES) ?? 'a'
    const path = child(folder, name as ByteString)
    return this.#tree.lstat(path) === null ? path : null
  }
}

function depthOf(path: RelPath): number {
  const above = parent(path)
  return above === null ? 0 : depthOf(above) + 1
}

/** Swaps two names; nobody looks in between, as with renameat2. A power cut may have left the name aside. */
function exchange(tree: MemoryTree, one: RelPath, other: RelPath): boolean {
  const aside = `${one}.exchanged` as RelPath
  if (tree.lstat(aside) !== null) return false
  tree.rename(one, aside)
  tree.rename(other, one)
  tree.rename(aside, other)
  return true
}
