import { ApplyBinding } from '../../core/apply/inbound-binding.ts'
import type { ApplyOptions, FreeSpace } from '../../core/apply/options.ts'
import { NO_SIBLINGS, type Siblings, siblingsOf } from '../../core/apply/siblings.ts'
import { stagingFolder } from '../../core/apply/staging.ts'
import type { TargetTree } from '../../core/apply/target-tree.ts'
import { type ByteString, fromText, toBytes } from '../../core/base/byte-string.ts'
import { AppError } from '../../core/base/errors.ts'
import { orThrow } from '../../core/base/or-throw.ts'
import { rootFingerprint } from '../../core/change/known-root.ts'
import { type CompilePatterns, createFilter } from '../../core/filter/filter.ts'
import { ROOT, STAGING_NAME } from '../../core/path/rel-path.ts'
import type { TargetConfig } from '../../core/wire/control.ts'
import { hostAccounts } from '../../platform/accounts.ts'
import { systemClock } from '../../platform/clock.ts'
import { freeSpaceOf } from '../../platform/free-space.ts'
import { createHasher, hashBytes } from '../../platform/hash.ts'
import type { Logger } from '../../platform/log.ts'
import { compilePatterns } from '../../platform/pattern.ts'
import { openTargetTree } from '../../platform/trees.ts'
import type { BindingIndex } from '../../store/index-binding.ts'
import type { IndexFile } from '../../store/index-file.ts'
import {
  type AcceptRoot,
  type OpenTarget,
  type TargetOpener,
  bindingsAt,
} from '../sync-server/bindings.ts'
import { GuardedBinding } from './guarded-binding.ts'
import { checkRoot, learnRoot, rootOf, sharedMemory } from './root-guard.ts'
import { RootTurns } from './root-turns.ts'

const accountsOfHost = hostAccounts()

export interface OpenerOptions {
  readonly index: IndexFile
  readonly log: Logger
  /** For tests; else what the platform gives. */
  readonly openTree?: (path: string) => TargetTree
  readonly freeSpace?: (path: string) => FreeSpace
  readonly compile?: CompilePatterns
}

interface Opening extends OpenerOptions {
  readonly turns: RootTurns
}

/**
 * Gives the function that opens a configured target for receiving: its tree, confined; its index; what an unclean stop
 * left behind ended. The function throws AppError: ROOT_MISSING, ROOT_CHANGED, PATTERN_UNSAFE, PLATFORM_UNSUPPORTED, …
 */
export function targetOpener(options: OpenerOptions): TargetOpener {
  const turns = new RootTurns()
  return (target) => openTarget({ ...options, turns }, target)
}

function openTarget(options: Opening, target: TargetConfig): OpenTarget {
  const path = pathText(target.path as ByteString)
  const tree = (options.openTree ?? openTargetTree)(path)
  try {
    const index = options.index.binding(target.bindingId)
    const others = target.union?.others ?? []
    const memory = sharedMemory(
      index,
      others.map(({ bindingId }) => options.index.binding(bindingId)),
    )
    checkRoot(tree, memory, path)
    const inner = bindingOf(options, target, { tree, index, path })
    inner.recover()
    inner.reconsider()
    const root = {
      check: () => checkRoot(tree, memory, path),
      learn: () => learnRoot(tree, index),
      takeTurn: (holder: object) => options.turns.take(path, holder),
      endTurn: (holder: object) => options.turns.end(path, holder),
    }
    return {
      binding: new GuardedBinding(inner, root),
      isEmpty: () => (tree.list(ROOT) ?? []).every((name) => name === STAGING_NAME),
      close: () => tree.close(),
    }
  } catch (thrown) {
    tree.close()
    throw thrown
  }
}

/**
 * Gives the function that takes the folder at a target's path for its root, if that is the one named by `fingerprint`: whatever
 * was received is forgotten, by this binding and all others of the same root, so that nothing there counts as ours.
 */
export function rootAccepter(options: OpenerOptions): AcceptRoot {
  return (target, fingerprint) => {
    const tree = (options.openTree ?? openTargetTree)(pathText(target.path as ByteString))
    try {
      const root = rootOf(tree)
      if (rootFingerprint(root) !== fingerprint) return false
      options.index.startOver(bindingsAt(target), root)
      return true
    } finally {
      tree.close()
    }
  }
}

interface Opened {
  readonly tree: TargetTree
  readonly index: BindingIndex
  readonly path: string
}

function bindingOf(
  options: OpenerOptions,
  target: TargetConfig,
  { tree, index, path }: Opened,
): ApplyBinding {
  const filter = orThrow(createFilter(target.filter, options.compile ?? compilePatterns))
  const log = options.log.child({ bindingId: target.bindingId, root: path })
  return new ApplyBinding({
    tree,
    index,
    siblings: siblingsAt(options, target),
    bindingId: target.bindingId,
    options: applyOptions(target),
    staging: stagingFolder(keyOf(target.bindingId)),
    createHasher,
    freeSpace: () => (options.freeSpace ?? freeSpaceOf)(path),
    nowMs: () => systemClock.nowMs(),
    accounts: accountsOfHost,
    isVisible: (below, isDirectory) => filter.letsThrough(below, isDirectory ? 'folder' : 'leaf'),
    notice: (message) => log.warn(message),
  })
}

/** The other sources of the policy at the same root. */
function siblingsAt({ index }: OpenerOptions, { union }: TargetConfig): Siblings {
  if (union === undefined) return NO_SIBLINGS
  const others = union.others.map(({ bindingId, order }) => {
    return { bindingId, order, index: index.binding(bindingId) }
  })
  return siblingsOf(union, others)
}

/** What tells this binding's things below the root from those of others; an id is not a name. */
function keyOf(bindingId: string): ByteString {
  return fromText(hashBytes(toBytes(fromText(bindingId))).slice(0, 16))
}

/** The part of a target's configuration that applying asks for. */
function applyOptions(target: TargetConfig): ApplyOptions {
  return {
    deletes: target.deletes,
    deleteExcluded: target.filter.deleteExcluded,
    firstContact: target.firstContact,
    owner: target.metadata.owner,
    mode: target.metadata.mode,
    xattrs: target.metadata.xattrs,
    acls: target.metadata.acls,
    hardLinks: target.metadata.hardLinks,
    sparse: target.metadata.sparse,
    minFreePercent: target.minFreePercent,
  }
}

/** A root as the calls of the system take it; one that is not UTF-8 cannot be named to them. */
function pathText(path: ByteString): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(toBytes(path))
  } catch {
    throw new AppError('PATH_INVALID', 'cannot receive into a root whose path is not UTF-8')
  }
}
