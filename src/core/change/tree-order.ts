import type { RelPath } from '../path/rel-path.ts'

/**
 * Gives a key whose byte order is tree order: a folder, then everything below it, then its next sibling. Names hold no
 * NUL, so it can stand for the separator and is below every byte of a name.
 */
export function treeKey(path: RelPath): string {
  return path.replaceAll('/', '\0')
}

/** Gives the path of a key. */
export function pathOfTreeKey(key: string): RelPath {
  return key.replaceAll('\0', '/') as RelPath
}

/** Orders paths parents first. */
export function inTreeOrder(left: RelPath, right: RelPath): number {
  if (left === right) return 0
  return treeKey(left) < treeKey(right) ? -1 : 1
}
