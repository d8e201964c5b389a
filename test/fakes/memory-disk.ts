import type { ByteString } from '../../src/core/base/byte-string.ts'
import type { FileType } from '../../src/core/change/entry.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import { changeMode, inherit } from './memory-attributes.ts'

/** What a file system keeps under one inode number. */
export interface Node {
  readonly inode: bigint
  readonly type: FileType
  mode: number
  uid: number
  gid: number
  mtimeNs: bigint
  ctimeNs: bigint
  readonly birthNs: bigint
  content: Uint8Array
  /** Extended attributes and access lists, by name. */
  readonly attributes: Map<ByteString, ByteString>
  readonly linkTarget: ByteString | null
  readonly children: Map<ByteString, Node>
  /** How many folders hold it under how many names; 0 once it is unlinked. */
  names: number
}

/** The state of a file system at one moment. */
export interface World {
  readonly root: Node
  /** By inode number, unlinked ones too: open files still change them. */
  readonly nodes: Map<bigint, Node>
  nextInode: bigint
  /** Numbers given back; the lowest is taken again first, as ext4 does. */
  freeInodes: bigint[]
}

/** One change of a world. Applied again to a copy of the world it came after, it does exactly the same. */
export type Mutation = (world: World) => void

interface Logged {
  readonly mutate: Mutation
  /** What is left of it where names and times reach the disk, but contents do not. */
  readonly withoutContent: Mutation
}

export interface PowerCut {
  /** How many of the changes since the last sync reached the disk, in order. */
  readonly keptChanges: number
  /** Whether the file system wrote names before contents, so that what was not synced is there but empty. */
  readonly losesContent: boolean
}

/** A disk with a cache: everything is seen at once, and survives a power cut only when it was synced. */
export class MemoryDisk {
  world: World
  readonly #now: () => bigint
  #durable: World
  #log: Logged[] = []

  constructor(now: () => bigint = ticks()) {
    this.#now = now
    this.world = newWorld(now())
    this.#durable = cloneWorld(this.world)
  }

  nowNs(): bigint {
    return this.#now()
  }

  change(mutate: Mutation, withoutContent = mutate): void {
    mutate(this.world)
    this.#log.push({ mutate, withoutContent })
  }

  get unsyncedChanges(): number {
    return this.#log.length
  }

  sync(): void {
    this.#log = []
    this.#durable = cloneWorld(this.world)
  }

  /** Goes back to what was durable, and some of what came after. */
  cutPower({ keptChanges, losesContent }: PowerCut): void {
    this.world = cloneWorld(this.#durable)
    for (const { mutate, withoutContent } of this.#log.slice(0, keptChanges)) {
      if (losesContent) withoutContent(this.world)
      else mutate(this.world)
    }
    this.sync()
  }
}

function ticks(): () => bigint {
  let now = 1_700_000_000_000_000_000n
  return () => (now += 1_000_000n)
}

function newWorld(nowNs: bigint): World {
  const root = newNode({ inode: 2n, type: 'directory', mode: 0o755, nowNs, linkTarget: null })
  return { root, nodes: new Map([[2n, root]]), nextInode: 11n, freeInodes: [] }
}

export interface NewNode {
  readonly inode: bigint
  readonly type: FileType
  readonly mode: number
  readonly nowNs: bigint
  readonly linkTarget: ByteString | null
}

function newNode({ inode, type, mode, nowNs, linkTarget }: NewNode): Node {
  const times = { mtimeNs: nowNs, ctimeNs: nowNs, birthNs: nowNs }
  const rest = { uid: 0, gid: 0, content: new Uint8Array(0), children: new Map(), names: 1 }
  return { inode, type, mode, linkTarget, attributes: new Map(), ...times, ...rest }
}

function cloneWorld(world: World): World {
  const nodes = new Map<bigint, Node>()
  const clone = (node: Node): Node => {
    const known = nodes.get(node.inode)
    if (known !== undefined) return known
    const children = new Map([...node.children].map(([name, child]) => [name, clone(child)]))
    const copy = { ...node, children, attributes: new Map(node.attributes) }
    nodes.set(copy.inode, copy)
    return copy
  }
  const root = clone(world.root)
  return { root, nodes, nextInode: world.nextInode, freeInodes: [...world.freeInodes] }
}

/** Gives what lies at a path; null where it is gone or its folder is none. */
export function find(world: World, path: RelPath): Node | null {
  let node: Node | undefined = world.root
  if (path === '') return node
  for (const name of path.split('/')) {
    if (node?.type !== 'directory') return null
    node = node.children.get(name as ByteString)
  }
  return node ?? null
}

/** Puts a new node under a name. */
export function link(
  world: World,
  at: { readonly folder: RelPath; readonly name: ByteString },
  node: Omit<NewNode, 'inode'>,
): void {
  const inode = takeInode(world)
  const made = newNode({ ...node, inode })
  world.nodes.set(inode, made)
  const folder = find(world, at.folder)
  if (folder !== null) inherit(folder, made)
  // As the real calls do, which set the exact mode afterwards.
  if (node.type === 'directory' || node.type === 'fifo') changeMode(made, node.mode)
  folder?.children.set(at.name, made)
  touch(folder, node.nowNs)
}

/** Gives what is there a further name. */
export function addName(
  world: World,
  at: { readonly folder: RelPath; readonly name: ByteString },
  { node, nowNs }: { readonly node: Node; readonly nowNs: bigint },
): void {
  const folder = find(world, at.folder)
  folder?.children.set(at.name, node)
  touch(folder, nowNs)
  node.names++
  node.ctimeNs = nowNs
}

/** Takes a name away, and with the last one gives its inode number back. */
export function unlinkName(
  world: World,
  at: { readonly folder: RelPath; readonly name: ByteString },
  nowNs: bigint,
): void {
  const folder = find(world, at.folder)
  const node = folder?.children.get(at.name)
  folder?.children.delete(at.name)
  touch(folder, nowNs)
  if (node === undefined) return
  node.names--
  node.ctimeNs = nowNs
  if (node.names === 0) world.freeInodes = [...world.freeInodes, node.inode].toSorted(byNumber)
}

/** What happens in a folder moves its times. */
export function touch(node: Node | null | undefined, nowNs: bigint): void {
  if (node === null || node === undefined) return
  node.mtimeNs = nowNs
  node.ctimeNs = nowNs
}

function byNumber(one: bigint, other: bigint): number {
  return one < other ? -1 : 1
}

function takeInode(world: World): bigint {
  return world.freeInodes.shift() ?? world.nextInode++
}
