import type {
  AttributeRefusal,
  Metadata,
  MetadataHandle,
  ReadHandle,
  RootIdentity,
  TargetTree,
  WriteHandle,
} from '../../src/core/apply/target-tree.ts'
import type { ByteString } from '../../src/core/base/byte-string.ts'
import { AppError, type ErrorCode } from '../../src/core/base/errors.ts'
import type { AttributeKinds, Attributes } from '../../src/core/change/attributes.ts'
import type { FileState, FileType } from '../../src/core/change/entry.ts'
import { type RelPath, basename, child, parent } from '../../src/core/path/rel-path.ts'
import { attributesOf, changeMode, changeOwner, putAttribute } from './memory-attributes.ts'
import {
  MemoryDisk,
  type Mutation,
  type Node,
  addName,
  find,
  link,
  touch,
  unlinkName,
} from './memory-disk.ts'

export type TreeCall =
  | 'make the folder'
  | 'remove the folder'
  | 'remove'
  | 'make the link'
  | 'make the fifo'
  | 'link'
  | 'rename'
  | 'write'
  | 'copy'
  | 'change'
  | 'sync'

/** Looks at every call that changes the disk before it is done: may throw, as a full disk or a crash does. */
export type BeforeCall = (call: TreeCall, path: RelPath, bytes: number) => void

const REASONS: Partial<Record<ErrorCode, string>> = {
  NOT_FOUND: 'no such file or folder',
  EXTRA_IN_THE_WAY: 'something else lies there',
  FOLDER_NOT_EMPTY: 'the folder is not empty',
  NO_SPACE: 'no space left on the disk',
  NO_PERMISSION: 'permission denied',
}

/** Makes the error that a real tree throws. */
export function treeError(code: ErrorCode, call: TreeCall, path: RelPath): AppError {
  return new AppError(code, `cannot ${call} ${JSON.stringify(path)}: ${REASONS[code] ?? code}`)
}

let devices = 100n

/** `TargetTree` in memory; passes the suites of the real one. */
export class MemoryTree implements TargetTree {
  readonly disk: MemoryDisk
  /** How many names a file can have. */
  namesMax = 65_000
  /** Why this file system does not hold an attribute; null where it does. */
  refuseAttribute: (name: ByteString, value: ByteString) => AttributeRefusal | null = () => null
  /** Whether files can share what they hold. */
  canShare = true
  readonly #device = devices++
  readonly #before: BeforeCall

  constructor(disk = new MemoryDisk(), before: BeforeCall = () => undefined) {
    this.disk = disk
    this.#before = before
  }

  lstat(path: RelPath): FileState | null {
    const node = find(this.disk.world, path)
    return node === null ? null : this.#state(node)
  }

  lstatClosely(path: RelPath, kinds: AttributeKinds): FileState | null {
    const node = find(this.disk.world, path)
    return node && { ...this.#state(node), attributes: attributesOf(node, kinds) }
  }

  list(folder: RelPath): ByteString[] | null {
    const node = find(this.disk.world, folder)
    return node?.type === 'directory' ? [...node.children.keys()] : null
  }

  open(path: RelPath): ReadHandle | null {
    const node = find(this.disk.world, path)
    if (node?.type !== 'file') return null
    return {
      opened: this.#state(node),
      read: (buffer, position) => {
        const bytes = node.content.subarray(position, position + buffer.length)
        buffer.set(bytes)
        return bytes.length
      },
      stat: () => this.#state(node),
      close: () => undefined,
    }
  }

  isBeingWritten(): null {
    return null
  }

  identity(): RootIdentity {
    const { inode, birthNs } = this.disk.world.root
    return { device: this.#device, inode, birthNs, isMountPoint: false }
  }

  close(): void {}

  makeDirectory(path: RelPath, mode: number): void {
    this.#make('make the folder', path, { type: 'directory', mode })
  }

  removeDirectory(path: RelPath): boolean {
    this.#before('remove the folder', path, 0)
    const node = find(this.disk.world, path)
    if (node === null) return true
    if (node.type !== 'directory') throw treeError('EXTRA_IN_THE_WAY', 'remove the folder', path)
    if (node.children.size > 0) return false
    this.#unlink(path)
    return true
  }

  unlink(path: RelPath): void {
    this.#before('remove', path, 0)
    const node = find(this.disk.world, path)
    if (node?.type === 'directory') throw treeError('EXTRA_IN_THE_WAY', 'remove', path)
    if (node !== null) this.#unlink(path)
  }

  makeSymlink(path: RelPath, linkTarget: ByteString): void {
    this.#make('make the link', path, { type: 'symlink', mode: 0o777, linkTarget })
  }

  makeFifo(path: RelPath, mode: number): void {
    this.#make('make the fifo', path, { type: 'fifo', mode })
  }

  link(from: RelPath, to: RelPath): boolean {
    this.#before('link', from, 0)
    const source = find(this.disk.world, from)
    if (source === null) throw treeError('NOT_FOUND', 'link', from)
    const target = this.#place('link', to)
    if (find(this.disk.world, to) !== null) throw treeError('EXTRA_IN_THE_WAY', 'link', to)
    if (source.type === 'directory' || source.names >= this.namesMax) return false
    const nowNs = this.disk.nowNs()
    this.disk.change((world) => {
      const node = find(world, from)
      if (node !== null) addName(world, target, { node, nowNs })
    })
    return true
  }

  place(from: RelPath, to: RelPath): void {
    if (find(this.disk.world, to) !== null) throw treeError('EXTRA_IN_THE_WAY', 'rename', to)
    this.rename(from, to)
  }

  createWhole(path: RelPath, bytes: Uint8Array, metadata: Metadata): void {
    const handle = this.create(path)
    try {
      handle.write(bytes)
      handle.setMetadata(metadata)
      handle.close()
    } catch (thrown) {
      this.unlink(path)
      throw thrown
    }
  }

  rename(from: RelPath, to: RelPath): void {
    this.#before('rename', from, 0)
    this.#checkRename(from, to)
    const nowNs = this.disk.nowNs()
    const source = this.#place('rename', from)
    const target = this.#place('rename', to)
    this.disk.change((world) => {
      const node = find(world, from)
      if (node === null || find(world, to) === node) return
      if (find(world, to) !== null) unlinkName(world, target, nowNs)
      const oldFolder = find(world, source.folder)
      oldFolder?.children.delete(source.name)
      touch(oldFolder, nowNs)
      const newFolder = find(world, target.folder)
      newFolder?.children.set(target.name, node)
      touch(newFolder, nowNs)
      node.ctimeNs = nowNs
    })
  }

  create(path: RelPath): WriteHandle {
    this.#make('write', path, { type: 'file', mode: 0o600 })
    return this.#writer(path, find(this.disk.world, path)?.inode ?? 0n)
  }

  #writer(path: RelPath, inode: bigint): WriteHandle {
    let end = this.#node(inode).content.length
    let sharedBytes = 0
    const put = (bytes: Uint8Array): void => {
      const { content } = this.#node(inode)
      const parts = [content.subarray(0, end), bytes, content.subarray(end + bytes.length)]
      if (bytes.length > 0) this.#setContent(inode, Buffer.concat(parts))
      end += bytes.length
    }
    return {
      share: (source, bytes) => {
        if (!this.canShare) return false
        const content = new Uint8Array(bytes)
        source.read(content, 0)
        this.#setContent(inode, content)
        sharedBytes = bytes
        return true
      },
      keep: (bytes) => {
        end += bytes
      },
      write: (bytes) => {
        this.#before('write', path, bytes.length)
        put(bytes)
      },
      skip: (bytes) => {
        this.#before('write', path, 0)
        if (end < this.#node(inode).content.length) throw new Error('skipped over what is there')
        put(new Uint8Array(bytes))
      },
      ...this.#metadataOf(path, inode),
      stat: () => this.#state(this.#node(inode)),
      close: () => {
        if (end < sharedBytes) this.#setContent(inode, this.#node(inode).content.subarray(0, end))
        sharedBytes = 0
      },
    }
  }

  #metadataOf(path: RelPath, inode: bigint): MetadataHandle {
    return {
      setMetadata: (metadata) => {
        this.#before('change', path, 0)
        this.#change(inode, metadata)
      },
      attributes: (kinds): Attributes => attributesOf(this.#node(inode), kinds),
      setAttribute: (name, value) => {
        this.#before('change', path, 0)
        const refusal = value === null ? null : this.refuseAttribute(name, value)
        if (refusal !== null) return refusal
        const nowNs = this.disk.nowNs()
        this.disk.change((world) => {
          const node = world.nodes.get(inode)
          if (node !== undefined) putAttribute(node, { name, value }, nowNs)
        })
        return null
      },
      close: () => undefined,
    }
  }

  append(path: RelPath, keptBytes: number): WriteHandle {
    const node = find(this.disk.world, path)
    if (node === null) throw treeError('NOT_FOUND', 'write', path)
    if (node.type !== 'file') throw treeError('EXTRA_IN_THE_WAY', 'write', path)
    this.#change(node.inode, { mode: 0o600, owner: null, mtimeNs: null })
    const { content } = this.#node(node.inode)
    if (content.length > keptBytes) this.#setContent(node.inode, content.subarray(0, keptBytes))
    return this.#writer(path, node.inode)
  }

  copy(from: RelPath, to: RelPath): void {
    const source = find(this.disk.world, from)
    if (source?.type !== 'file') throw treeError('NOT_FOUND', 'copy', from)
    this.#make('copy', to, { type: 'file', mode: 0o600 })
    this.#append(find(this.disk.world, to)?.inode ?? 0n, source.content.slice())
  }

  setMetadata(path: RelPath, type: FileType, metadata: Metadata): void {
    this.#before('change', path, 0)
    const node = find(this.disk.world, path)
    if (node === null) throw treeError('NOT_FOUND', 'change', path)
    if (node.type !== type) throw treeError('EXTRA_IN_THE_WAY', 'change', path)
    this.#change(node.inode, type === 'symlink' ? { ...metadata, mode: null } : metadata)
  }

  openMetadata(path: RelPath, type: FileType): MetadataHandle {
    const node = find(this.disk.world, path)
    if (node === null) throw treeError('NOT_FOUND', 'change', path)
    if (node.type !== type) throw treeError('EXTRA_IN_THE_WAY', 'change', path)
    return this.#metadataOf(path, node.inode)
  }

  sync(): void {
    this.#before('sync', '' as RelPath, 0)
    this.disk.sync()
  }

  /** Gives a file other content in place, as an editor does. */
  overwrite(path: RelPath, content: Uint8Array): void {
    this.#before('write', path, content.length)
    const node = find(this.disk.world, path)
    if (node?.type !== 'file') throw treeError('NOT_FOUND', 'write', path)
    this.#setContent(node.inode, content)
  }

  #append(inode: bigint, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#setContent(inode, Buffer.concat([this.#node(inode).content, bytes]))
  }

  // Names and contents reach a disk apart from each other: a power cut may keep the one and lose the other.
  #setContent(inode: bigint, content: Uint8Array): void {
    const nowNs = this.disk.nowNs()
    const stamp: Mutation = (world) => touch(world.nodes.get(inode), nowNs)
    this.disk.change((world) => {
      const node = world.nodes.get(inode)
      if (node !== undefined) node.content = content
      stamp(world)
    }, stamp)
  }

  #node(inode: bigint): Node {
    const node = this.disk.world.nodes.get(inode)
    if (node === undefined) throw new Error(`inode ${inode} was never made`)
    return node
  }

  #change(inode: bigint, { mode, owner, mtimeNs }: Metadata): void {
    const nowNs = this.disk.nowNs()
    this.disk.change((world) => {
      const node = world.nodes.get(inode)
      if (node === undefined) return
      if (owner !== null) changeOwner(node, owner)
      if (mode !== null) changeMode(node, mode)
      if (mtimeNs !== null) node.mtimeNs = mtimeNs
      node.ctimeNs = nowNs
    })
  }

  #make(
    call: TreeCall,
    path: RelPath,
    node: { type: FileType; mode: number; linkTarget?: ByteString },
  ): void {
    this.#before(call, path, 0)
    const at = this.#place(call, path)
    if (find(this.disk.world, path) !== null) throw treeError('EXTRA_IN_THE_WAY', call, path)
    const nowNs = this.disk.nowNs()
    this.disk.change((world) => link(world, at, { linkTarget: null, ...node, nowNs }))
  }

  #unlink(path: RelPath): void {
    const at = this.#place('remove', path)
    const nowNs = this.disk.nowNs()
    this.disk.change((world) => unlinkName(world, at, nowNs))
  }

  /** The folder and name of a path whose folder exists. */
  #place(call: TreeCall, path: RelPath): { folder: RelPath; name: ByteString } {
    const folder = parent(path)
    const node = folder === null ? null : find(this.disk.world, folder)
    if (folder === null || node?.type !== 'directory') throw treeError('NOT_FOUND', call, path)
    return { folder, name: basename(path) }
  }

  #checkRename(from: RelPath, to: RelPath): void {
    const source = find(this.disk.world, from)
    const target = find(this.disk.world, to)
    if (source === null) throw treeError('NOT_FOUND', 'rename', from)
    if (target === null) return
    const isFolder = source.type === 'directory'
    if (isFolder !== (target.type === 'directory'))
      throw treeError('EXTRA_IN_THE_WAY', 'rename', from)
    if (target.children.size > 0) throw treeError('FOLDER_NOT_EMPTY', 'rename', from)
  }

  #state(node: Node): FileState {
    const { inode, type, mode, uid, gid, mtimeNs, ctimeNs, birthNs, linkTarget, names } = node
    const numbers = { mode, uid, gid, mtimeNs, ctimeNs, birthNs, inode, device: this.#device }
    const linkCount = type === 'directory' ? 2 : names
    return { type, size: node.content.length, linkTarget, linkCount, ...numbers }
  }
}

/** Everything below a folder, itself left out, in order of path. */
export function* walk(tree: TargetTree, folder: RelPath): Generator<RelPath> {
  for (const name of (tree.list(folder) ?? []).toSorted()) {
    const path = child(folder, name)
    yield path
    yield* walk(tree, path)
  }
}
