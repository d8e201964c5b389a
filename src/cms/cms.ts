import type { WatchedSource } from '../core/apply/outbound.ts'
import { toAppError } from '../core/base/errors.ts'
import type { KnownRoot } from '../core/change/known-root.ts'
import { restartEpoch } from '../core/change/open-journal.ts'
import type { MasterMessageOf, SourceConfig } from '../core/wire/control.ts'
import { openDatabase } from '../store/database.ts'
import { dropForgotten } from '../store/journal-prune.ts'
import { JOURNAL_MIGRATIONS, SqliteJournalStore } from '../store/journal.ts'
import type { CmsParts } from './cms-parts.ts'
import { JOURNAL_KEEP_MS } from './detection-limits.ts'
import { type HoldResolution, Source, type SourcePosition } from './source.ts'

export interface CmsOptions extends CmsParts {
  /** The file of the journals; one process at a time. */
  readonly databaseFile: string
}

/** Change detection of one agent: its sources, watched and journalled. */
export interface Cms {
  /**
   * The sources to watch from now on, whole; those left out are watched no longer, their journals are kept for 60 days. A source
   * whose configuration did not change goes on, and tells the master of its changes from `known` on.
   */
  configure(sources: readonly SourceConfig[]): Promise<void>
  /** The master has recorded a source's changes up to here. */
  changesRecorded(message: {
    readonly sourceId: string
    readonly epoch: string
    readonly upTo: number
  }): void
  /**
   * Resolves when everything that was on the disk at the call is journalled, with the positions of the policy's sources
   * here. Throws where one of them cannot be looked at (ROOT_MISSING, ROOT_CHANGED).
   */
  flush(policyId: string): Promise<SourcePosition[]>
  /** One source as the Sync Client reads it; null where it is not watched. */
  outbound(sourceId: string): WatchedSource | null
  /** Someone holds a higher seq of the source's epoch than its journal: it begins a new one. */
  renewEpoch(sourceId: string): Promise<void>
  /** Takes a person's word about what a source holds back. */
  resolveHold(word: { readonly sourceId: string } & Word): Promise<HoldResolution>
  /** Stops cleanly: numbering goes on without a hole. What happens until the next start is found by a scan. */
  stop(): Promise<void>
}

/** Opens the journals and watches nothing yet. Throws DATA_VERSION, FILE_UNREADABLE. */
export function createCms(options: CmsOptions): Cms {
  const { databaseFile: file, log, watchers, newId } = options
  const database = openDatabase({ file, migrations: JOURNAL_MIGRATIONS })
  const sources = new Map<string, Source>()
  const start = (config: SourceConfig): void => {
    const store = new SqliteJournalStore(database, config.sourceId)
    sources.set(config.sourceId, new Source(config, store, options))
  }
  const stop = async (sourceId: string): Promise<void> => {
    const source = sources.get(sourceId)
    sources.delete(sourceId)
    await source?.stop()
  }
  const restart = async (sourceId: string, root?: KnownRoot): Promise<void> => {
    const config = sources.get(sourceId)?.config
    if (config === undefined) return
    await stop(sourceId)
    const store = new SqliteJournalStore(database, sourceId)
    restartEpoch(store, { newEpoch: newId, keep: 'rows', ...(root && { root }) })
    start({ ...config, known: null })
  }
  const inTurn = turns()
  return {
    configure: (configs) =>
      inTurn(async () => {
        const wanted = new Map(configs.map((config) => [config.sourceId, config]))
        for (const sourceId of sources.keys()) if (!wanted.has(sourceId)) await stop(sourceId)
        for (const config of configs) {
          const source = sources.get(config.sourceId)
          if (source !== undefined && isSameSource(source, config)) {
            source.restart(config.known)
            continue
          }
          await stop(config.sourceId)
          try {
            start(config)
          } catch (thrown) {
            log.error('a source cannot be watched', { ...config, error: toAppError(thrown) })
          }
        }
        const beforeMs = options.clock.nowMs() - JOURNAL_KEEP_MS
        while (dropForgotten(database, { keep: new Set(wanted.keys()), beforeMs }))
          await Bun.sleep(0)
      }),
    changesRecorded: ({ sourceId, epoch, upTo }) =>
      sources.get(sourceId)?.recorded({ epoch, seq: upTo }),
    flush: async (policyId) => {
      const concerned = [...sources.values()].filter(({ config }) => config.policyId === policyId)
      return Promise.all(concerned.map((source) => source.flush()))
    },
    outbound: (sourceId) => sources.get(sourceId)?.outbound ?? null,
    renewEpoch: (sourceId) => inTurn(() => restart(sourceId)),
    resolveHold: async ({ sourceId, ...word }) => {
      const source = () => sources.get(sourceId)
      if (source()?.changedRoot)
        return inTurn(() => acceptRoot(source, word, (root) => restart(sourceId, root)))
      return (await source()?.resolveHold(word.fingerprint, word.decision)) ?? UNKNOWN
    },
    stop: () =>
      inTurn(async () => {
        await Promise.all([...sources.keys()].map(stop))
        await watchers.close()
        database.close()
      }),
  }
}

type Word = Pick<MasterMessageOf<'resolveHold'>, 'fingerprint' | 'decision'>

const UNKNOWN: HoldResolution = { outcome: 'unknown', position: null }

/** Takes the folder that lies at the path of a source now for its root, in a new epoch, if that is the one meant. */
async function acceptRoot(
  source: () => Source | undefined,
  word: Word,
  restart: (root: KnownRoot) => Promise<void>,
): Promise<HoldResolution> {
  const changed = source()?.changedRoot ?? null
  if (changed === null || word.decision === 'keep') return UNKNOWN
  if (changed.fingerprint !== word.fingerprint) return { outcome: 'changed', position: null }
  await restart(changed.found)
  return { outcome: 'done', position: source()?.position ?? null }
}

/** Where the master knows more of the epoch than the journal, the source has to start anew. */
function isSameSource({ config, outbound }: Source, wanted: SourceConfig): boolean {
  const { known } = wanted
  if (known !== null && known.epoch === outbound.epoch() && known.seq > outbound.headSeq())
    return false
  const rest = { known: null }
  return JSON.stringify({ ...config, ...rest }) === JSON.stringify({ ...wanted, ...rest })
}

/** Runs tasks one after the other, whatever becomes of the one before. */
function turns(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const result = last.then(task, task)
    last = result.catch(() => undefined)
    return result
  }
}
