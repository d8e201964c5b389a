import { readdirSync } from 'node:fs'

/** Gives the paths of all folders below a folder, as text; what cannot be read or is gone is left out. */
export function foldersBelow(root: string): string[] {
  const found: string[] = []
  const pending = [root]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const name of folderNames(folder)) {
      const path = folder === '/' ? `/${name}` : `${folder}/${name}`
      found.push(path)
      pending.push(path)
    }
  }
  return found
}

function folderNames(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch {
    // Gone or unreadable: a watcher cannot watch it either, and a scan finds out which of the two.
    return []
  }
}
