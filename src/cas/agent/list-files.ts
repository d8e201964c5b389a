import type { ReadTree } from '../../core/apply/target-tree.ts'
import type { ByteString } from '../../core/base/byte-string.ts'
import { toAppError } from '../../core/base/errors.ts'
import { orThrow } from '../../core/base/or-throw.ts'
import { child, ROOT } from '../../core/path/rel-path.ts'
import type { AgentMessageOf, MasterMessageOf } from '../../core/wire/control.ts'
import type { AllowList } from '../allow-list.ts'

type Listed = AgentMessageOf<'filesListed'>

export interface Browsing {
  readonly allowList: AllowList
  readonly openTree: (path: ByteString) => ReadTree
}

const ENTRIES_MAX = 5000

/**
 * Answers what is in a folder of this host, as far as the host allows: within what is allowed everything, above it only
 * the way to it, elsewhere ROOT_REFUSED. At most 5,000 names, in order; the rest is cut off.
 */
export function listFiles(request: MasterMessageOf<'listFiles'>, browsing: Browsing): Listed {
  const { requestId } = request
  try {
    const entries = readFolder(request.path as ByteString, browsing)
    return { type: 'filesListed', requestId, entries, error: null }
  } catch (thrown) {
    const { code, message } = toAppError(thrown)
    return { type: 'filesListed', requestId, entries: [], error: { code, message } }
  }
}

function readFolder(path: ByteString, browsing: Browsing): Listed['entries'] {
  const folder = orThrow(browsing.allowList.checkFolder(path))
  const tree = browsing.openTree(folder)
  try {
    return readEntries(folder, tree, browsing)
  } finally {
    tree.close()
  }
}

function readEntries(folder: ByteString, tree: ReadTree, browsing: Browsing): Listed['entries'] {
  const entries: Listed['entries'] = []
  for (const name of (tree.list(ROOT) ?? []).toSorted()) {
    const inside = (folder === '/' ? `/${name}` : `${folder}/${name}`) as ByteString
    if (browsing.allowList.mayBrowse(inside) === 'no') continue
    const state = tree.lstat(child(ROOT, name))
    if (state !== null) entries.push({ name, type: state.type })
    if (entries.length === ENTRIES_MAX) break
  }
  return entries
}
