import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** What lies at a path, as far as it must be the same. */
interface Item {
  readonly type: string
  readonly mode: number
  readonly mtimeNs: bigint
  /** The hash of a file's content, or where a link leads. */
  readonly content: string
}

/** Gives how a target differs from the union of its sources, `newest` first and then the first source. */
export function unionDifferences(sources: readonly string[], target: string): string[] {
  const expected = unionOf(sources.map(itemsOf))
  const found = itemsOf(target)
  const paths = [...new Set([...expected.keys(), ...found.keys()])].toSorted()
  return paths.flatMap((path) => {
    const [wanted, is] = [told(expected.get(path)), told(found.get(path))]
    return wanted === is ? [] : [`${path}: ${is} instead of ${wanted}`]
  })
}

function told(item: Item | undefined): string {
  return item === undefined
    ? 'nothing'
    : `${item.type} ${item.mode.toString(8)} ${item.mtimeNs} ${item.content.slice(0, 12)}`
}

function unionOf(trees: readonly ReadonlyMap<string, Item>[]): Map<string, Item> {
  const union = new Map<string, Item>()
  for (const tree of trees)
    for (const [path, item] of tree) {
      const held = union.get(path)
      if (held === undefined || stands(item, held)) union.set(path, item)
    }
  return union
}

function stands(item: Item, held: Item): boolean {
  if ((item.type === 'directory') !== (held.type === 'directory')) return item.type === 'directory'
  return item.mtimeNs > held.mtimeNs
}

function itemsOf(root: string): Map<string, Item> {
  const items = new Map<string, Item>()
  const walk = (below: string) => {
    for (const name of readdirSync(join(root, below))) {
      const path = below === '' ? name : `${below}/${name}`
      if (path === '.cd-staging') continue
      const item = itemAt(join(root, path))
      items.set(path, item)
      if (item.type === 'directory') walk(path)
    }
  }
  walk('')
  return items
}

function itemAt(path: string): Item {
  const stat = lstatSync(path, { bigint: true })
  const { mtimeNs } = stat
  const rights = Number(stat.mode) & 0o7777
  if (stat.isDirectory()) return { type: 'directory', mode: rights, mtimeNs, content: '' }
  if (stat.isSymbolicLink())
    return { type: 'symlink', mode: 0, mtimeNs, content: readlinkSync(path) }
  const content = Bun.SHA256.hash(readFileSync(path), 'hex')
  return { type: 'file', mode: rights, mtimeNs, content }
}
