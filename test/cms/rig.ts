import { Database } from 'bun:sqlite'
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Cms, createCms } from '../../src/cms/cms.ts'
import { DETECTION_TIMES, type DetectionTimes } from '../../src/cms/detection-limits.ts'
import type { OpenTree } from '../../src/cms/source-disk.ts'
import type { OutboundRow } from '../../src/core/apply/outbound.ts'
import { type ByteString, fromText } from '../../src/core/base/byte-string.ts'
import type { AgentMessageOf, ChangeRecord, SourceConfig } from '../../src/core/wire/control.ts'
import { type Clock, systemClock } from '../../src/platform/clock.ts'
import { createInotifyWatchers } from '../../src/platform/inotify-watcher.ts'
import { createLogger } from '../../src/platform/log.ts'
import { openReadTree } from '../../src/platform/trees.ts'
import type { WatcherFactory } from '../../src/platform/watcher.ts'
import { startInotifyWorker } from '../../src/spawn.ts'

export interface RigOptions {
  /** Where root and journal lie; a new folder unless one is given. */
  readonly folder?: string
  readonly onPage?: (page: AgentMessageOf<'changes'>) => void
  readonly config?: Partial<SourceConfig>
  readonly times?: Partial<DetectionTimes>
  readonly watchers?: WatcherFactory
  readonly clock?: Clock
  readonly openTree?: OpenTree
  /** Takes no page while it gives false. */
  readonly takesChanges?: () => boolean
  /** The master confirms each page; true unless said otherwise. */
  readonly confirms?: boolean
}

/** One source over a real folder, and a master that only listens. */
export class Rig {
  readonly folder: string
  readonly root: string
  readonly pages: AgentMessageOf<'changes'>[] = []
  readonly reports: AgentMessageOf<'sourceReport'>[] = []
  readonly logs: string[] = []
  config: SourceConfig
  #cms: Cms | null = null
  #options: RigOptions
  #lastHead = 0

  constructor(options: RigOptions = {}) {
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), 'cd-cms-'))
    this.root = join(this.folder, 'root')
    mkdirSync(this.root, { recursive: true })
    this.#options = options
    this.config = { ...CONFIG, path: fromText(this.root), ...options.config }
  }

  get cms(): Cms {
    if (this.#cms === null) throw new Error('the rig is not started')
    return this.#cms
  }

  get report(): AgentMessageOf<'sourceReport'> {
    const report = this.reports.at(-1)
    if (report === undefined) throw new Error('no report yet')
    return report
  }

  /** Every record in the order in which the master was told. */
  get records(): ChangeRecord[] {
    return this.pages.flatMap((page) => page.records)
  }

  async start(options: RigOptions = {}): Promise<this> {
    this.#options = { ...this.#options, ...options }
    this.config = { ...this.config, ...options.config }
    const { times, watchers, clock, openTree, takesChanges } = this.#options
    this.#cms = createCms({
      databaseFile: join(this.folder, 'journal.db'),
      clock: clock ?? systemClock,
      log: createLogger({ level: 'debug', readable: false, write: (text) => this.logs.push(text) }),
      times: { ...DETECTION_TIMES, retryMs: 50, ...times },
      openTree: openTree ?? realTree,
      watchers: watchers ?? createInotifyWatchers(startInotifyWorker),
      newId: () => crypto.randomUUID(),
      onReport: (report) => this.reports.push(report),
      onChanges: (page) => {
        if (takesChanges?.() === false) return false
        this.pages.push(page)
        this.#lastHead = page.upTo
        this.#options.onPage?.(page)
        const { sourceId, epoch, upTo } = page
        if (this.#options.confirms !== false) {
          queueMicrotask(() => this.#cms?.changesRecorded({ sourceId, epoch, upTo }))
        }
        return true
      },
    })
    await this.configure()
    return this
  }

  async configure(change: Partial<SourceConfig> = {}): Promise<void> {
    this.config = { ...this.config, ...change }
    await this.cms.configure([this.config])
  }

  /** Waits until everything on the disk is journalled; gives what was recorded since the last call. */
  async flush(): Promise<ChangeRecord[]> {
    await this.cms.flush(this.config.policyId)
    return this.pages.splice(0).flatMap((page) => page.records)
  }

  /** Live rows as the Sync Client reads them, by path. */
  rows(): Map<string, OutboundRow> {
    const source = this.outbound
    const range = { after: 0, upTo: source.headSeq(), limit: 1_000_000, liveOnly: true }
    return new Map(source.changes(range).map((row) => [row.entry.path, row]))
  }

  /** Paths of live rows without the root, in order. */
  paths(): string[] {
    return [...this.rows().keys()].filter((path) => path !== '').sort()
  }

  at(path: string): string {
    return join(this.root, path)
  }

  get outbound() {
    const source = this.cms.outbound(this.config.sourceId)
    if (source === null) throw new Error('the source is not watched')
    return source
  }

  /** The last head that the master was told of. */
  get lastHead(): number {
    return this.#lastHead
  }

  async stop(): Promise<void> {
    await this.#cms?.stop()
    this.#cms = null
  }

  /** Lets every write of a row fail from now on; gives what ends that. */
  breakJournal(): () => void {
    const database = new Database(join(this.folder, 'journal.db'))
    const failing = "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    database.run(`CREATE TRIGGER broken BEFORE INSERT ON entry ${failing}`)
    return () => {
      database.run('DROP TRIGGER broken')
      database.close()
    }
  }

  /** Stops, and puts the journal back to what it was while detection ran, as a killed process leaves it. */
  async abandon(): Promise<void> {
    const file = join(this.folder, 'journal.db')
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, `${file}${suffix}.kept`)
    await this.stop()
    for (const suffix of ['-shm', '-wal']) rmSync(file + suffix, { force: true })
    for (const suffix of ['', '-wal']) renameSync(`${file}${suffix}.kept`, file + suffix)
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Opens a real folder. */
export const realTree: OpenTree = (path: ByteString) =>
  openReadTree(Buffer.from(path, 'latin1').toString())

const CONFIG: Omit<SourceConfig, 'path'> = {
  policyId: 'p1',
  sourceId: 's1',
  requireMount: false,
  filter: { include: [], exclude: [], deleteExcluded: false },
  metadata: { owner: 'id', mode: true, hardLinks: false, xattrs: false, acls: false, sparse: true },
  viewRevision: 1,
  known: null,
}

/** Waits until something holds; fails after 20 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpMs = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain until ${what}`)
    await Bun.sleep(1)
  }
}

/** `operation path (from)`, the root left out: its mtime changes with everything in it. */
export function told(records: readonly ChangeRecord[]): string[] {
  return records
    .filter((record) => record.path !== '')
    .map(({ operation, path, from }) => `${operation} ${path}${from === null ? '' : ` (${from})`}`)
}
