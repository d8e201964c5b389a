import { type RelPath, ROOT, parent } from '../path/rel-path.ts'

/** The deepest folder that is, or holds, both paths' folders: a rescan of it sees both. */
export function commonFolder(left: RelPath, right: RelPath): RelPath {
  if (left === right) return left
  for (let folder: RelPath | null = left; folder !== null; folder = parent(folder)) {
    if (folder === ROOT || right === folder || right.startsWith(`${folder}/`)) return folder
  }
  return ROOT
}
