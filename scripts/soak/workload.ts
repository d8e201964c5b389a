import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

type Kind = 'file' | 'folder' | 'link'

interface Node {
  readonly kind: Kind
  name: string
  parent: Node | null
  readonly children: Map<string, Node>
}

const NODES_MAX = 3000
const DEPTH_MAX = 6
const NAMES = ['a', 'b', 'c', 'd e', 'ü', 'README.md', 'index.html', '.hidden', 'x'.repeat(100)]
const MODES = [0o644, 0o600, 0o755, 0o4711, 0o444] as const
const SIZES = [0, 1, 100, 4096, 4096, 20_000, 300_000] as const
const SHARE_LARGE = 0.002
const LARGE_BYTES = 3_000_000

/** What people and programs do in a folder, one thing at a time, from a stream of random numbers. */
export class Workload {
  readonly #root: string
  readonly #random: () => number
  readonly #top: Node = { kind: 'folder', name: '', parent: null, children: new Map() }
  /** Every node below the top; those that left are dropped when they are met. */
  #nodes: Node[] = []
  #count = 0
  #serial = 0
  readonly #operations: readonly (readonly [number, () => void])[]

  constructor(root: string, random: () => number) {
    this.#root = root
    this.#random = random
    this.#operations = [
      [20, () => this.#create()],
      [6, () => this.#makeFolder()],
      [14, () => this.#overwrite()],
      [8, () => this.#append()],
      [3, () => this.#truncate()],
      [8, () => this.#save()],
      [8, () => this.#rename('file')],
      [4, () => this.#rename('folder')],
      [3, () => this.#swap()],
      [10, () => this.#remove()],
      [1, () => this.#removeFolder()],
      [4, () => this.#changeMode()],
      [3, () => this.#changeTime()],
      [4, () => this.#makeLink()],
      [2, () => this.#makeHardLink()],
      [3, () => this.#changeType()],
      [2, () => this.#churn()],
    ]
  }

  /** Does one thing; where there is nothing to do it to, something is made. */
  next(): void {
    if (this.#count > NODES_MAX) return this.#removeFolder()
    const total = this.#operations.reduce((sum, [weight]) => sum + weight, 0)
    let thrown = this.#random() * total
    for (const [weight, operation] of this.#operations) {
      if (thrown < weight) return operation()
      thrown -= weight
    }
  }

  #create(): void {
    const node = this.#add('file')
    if (node !== null) writeFileSync(this.#path(node), this.#content())
  }

  #makeFolder(): void {
    const node = this.#add('folder')
    if (node !== null) mkdirSync(this.#path(node))
  }

  #overwrite(): void {
    const node = this.#pick('file')
    if (node !== null) writeFileSync(this.#path(node), this.#content())
  }

  #append(): void {
    const node = this.#pick('file')
    if (node !== null) appendFileSync(this.#path(node), `line ${this.#serial++}\n`)
  }

  #truncate(): void {
    const node = this.#pick('file')
    if (node !== null) truncateSync(this.#path(node), this.#below(200))
  }

  /** As editors save: a temporary file, renamed over the old one. */
  #save(): void {
    const node = this.#pick('file')
    if (node === null) return
    const temporary = `${this.#path(node)}.${this.#serial++}.tmp`.slice(-250)
    const beside = join(this.#path(node), '..', temporary.split('/').at(-1) ?? 'tmp')
    writeFileSync(beside, this.#content())
    renameSync(beside, this.#path(node))
  }

  #rename(kind: Kind): void {
    const node = this.#pick(kind)
    const parent = this.#folder()
    if (node === null || isWithin(parent, node)) return
    const name = this.#freeName(parent)
    if (name === null) return
    const from = this.#path(node)
    node.parent?.children.delete(node.name)
    node.parent = parent
    node.name = name
    parent.children.set(name, node)
    renameSync(from, this.#path(node))
  }

  /** Two files change places by way of a third name. */
  #swap(): void {
    const [one, other] = [this.#pick('file'), this.#pick('file')]
    if (one === null || other === null || one === other) return
    const aside = join(this.#root, `swap-${this.#serial++}`)
    renameSync(this.#path(one), aside)
    renameSync(this.#path(other), this.#path(one))
    renameSync(aside, this.#path(other))
  }

  #remove(): void {
    const node = this.#pick('file') ?? this.#pick('link')
    if (node === null) return
    rmSync(this.#path(node))
    this.#drop(node)
  }

  #removeFolder(): void {
    const node = this.#pick('folder')
    if (node === null) return
    rmSync(this.#path(node), { recursive: true })
    this.#drop(node)
  }

  #changeMode(): void {
    const node = this.#pick(this.#random() < 0.8 ? 'file' : 'folder')
    if (node === null) return
    const mode = MODES[this.#below(MODES.length)] ?? 0o644
    chmodSync(this.#path(node), node.kind === 'folder' ? mode | 0o700 : mode)
  }

  #changeTime(): void {
    const node = this.#pick('file')
    if (node === null) return
    const time = 1_500_000_000 + this.#random() * 2e8
    utimesSync(this.#path(node), time, time)
  }

  #makeLink(): void {
    const node = this.#add('link')
    if (node !== null) symlinkSync(`to-${this.#below(50)}`, this.#path(node))
  }

  #makeHardLink(): void {
    const file = this.#pick('file')
    if (file === null) return
    const node = this.#add('file')
    if (node !== null) linkSync(this.#path(file), this.#path(node))
  }

  /** What was a file is a folder, a folder a link, a link a file. */
  #changeType(): void {
    const kinds: readonly Kind[] = ['file', 'folder', 'link']
    const at = this.#below(3)
    const node = this.#pick(kinds[at] ?? 'file')
    if (node === null || node.parent === null) return
    const { parent, name } = node
    rmSync(this.#path(node), { recursive: true })
    this.#drop(node)
    const other = this.#attach(kinds[(at + 1) % 3] ?? 'file', parent, name)
    if (other.kind === 'file') writeFileSync(this.#path(other), this.#content())
    else if (other.kind === 'folder') mkdirSync(this.#path(other))
    else symlinkSync('elsewhere', this.#path(other))
  }

  /** One file, again and again. */
  #churn(): void {
    const node = this.#pick('file')
    if (node === null) return
    const path = this.#path(node)
    for (let turn = this.#below(30); turn > 0; turn--) {
      if (turn % 7 === 0) rmSync(path, { force: true })
      writeFileSync(path, `turn ${turn} of ${this.#serial++}`)
    }
  }

  #content(): Buffer {
    const size = SIZES[this.#below(SIZES.length)] ?? 0
    const bytes = this.#random() < SHARE_LARGE ? LARGE_BYTES : size
    return Buffer.alloc(bytes, `content ${this.#serial++} `)
  }

  #add(kind: Kind): Node | null {
    const parent = this.#folder()
    const name = this.#freeName(parent)
    return name === null ? null : this.#attach(kind, parent, name)
  }

  #attach(kind: Kind, parent: Node, name: string): Node {
    const node: Node = { kind, name, parent, children: new Map() }
    parent.children.set(name, node)
    this.#nodes.push(node)
    this.#count++
    return node
  }

  #drop(node: Node): void {
    node.parent?.children.delete(node.name)
    const leave = (one: Node): void => {
      one.parent = null
      this.#count--
      for (const child of one.children.values()) leave(child)
    }
    leave(node)
    if (this.#nodes.length > 2 * NODES_MAX) this.#nodes = this.#nodes.filter(isThere)
  }

  #folder(): Node {
    const folder = this.#random() < 0.1 ? this.#top : (this.#pick('folder') ?? this.#top)
    return depthOf(folder) < DEPTH_MAX ? folder : this.#top
  }

  #freeName(parent: Node): string | null {
    const plain = NAMES[this.#below(NAMES.length)] ?? 'a'
    const name = this.#random() < 0.5 ? plain : `${plain.slice(0, 60)}-${this.#below(500)}`
    return parent.children.has(name) ? null : name
  }

  #pick(kind: Kind): Node | null {
    for (let tries = 0; tries < 30; tries++) {
      const node = this.#nodes[this.#below(this.#nodes.length)]
      if (node !== undefined && node.kind === kind && isThere(node)) return node
    }
    return null
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #path(node: Node): string {
    const names: string[] = []
    for (let at: Node | null = node; at !== null; at = at.parent) names.unshift(at.name)
    return join(this.#root, ...names)
  }
}

function isThere(node: Node): boolean {
  return node.parent !== null
}

function isWithin(node: Node, folder: Node): boolean {
  for (let at: Node | null = node; at !== null; at = at.parent) if (at === folder) return true
  return false
}

function depthOf(node: Node): number {
  return node.parent === null ? 0 : depthOf(node.parent) + 1
}
