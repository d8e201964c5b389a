import type { HeldSource } from '../../core/apply/outbound.ts'
import type { ReadTree } from '../../core/apply/target-tree.ts'
import type { ByteString } from '../../core/base/byte-string.ts'
import { orThrow } from '../../core/base/or-throw.ts'
import { createFilter } from '../../core/filter/filter.ts'
import type { TargetConfig } from '../../core/wire/control.ts'
import { hostAccounts } from '../../platform/accounts.ts'
import { compilePatterns } from '../../platform/pattern.ts'
import { IndexFile } from '../../store/index-file.ts'
import { createHeldSource } from '../sync-client/held-source.ts'

export interface HeldSourcesOptions {
  /** The index that this host's Sync Server writes. */
  readonly indexFile: string
  readonly openTree: (path: ByteString) => ReadTree
  readonly targets: () => readonly TargetConfig[]
}

const accountsOfHost = hostAccounts()

/** What this host's targets hold, for jobs in which it serves others in the stead of the source. */
export class HeldSources {
  readonly #options: HeldSourcesOptions
  #index: IndexFile | null = null

  constructor(options: HeldSourcesOptions) {
    this.#options = options
  }

  /**
   * Opens what a binding holds of a source; null where it is not received here. The caller closes it. Throws
   * FILE_UNREADABLE, ROOT_MISSING, PATTERN_UNSAFE.
   */
  open(bindingId: string, sourceId: string): HeldSource | null {
    const target = this.#options.targets().find((one) => one.bindingId === bindingId)
    if (target === undefined || target.sourceId !== sourceId) return null
    const filter = orThrow(createFilter(target.filter, compilePatterns))
    this.#index ??= IndexFile.openReadOnly(this.#options.indexFile)
    return createHeldSource({
      sourceId,
      holding: this.#index.holding(bindingId),
      tree: this.#options.openTree(target.path as ByteString),
      filter,
      accounts: target.metadata.owner === 'name' ? accountsOfHost() : null,
    })
  }

  close(): void {
    this.#index?.close()
    this.#index = null
  }
}
