import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Journal } from '../../src/core/change/journal.ts'
import { openJournal } from '../../src/core/change/open-journal.ts'
import type { LookCause } from '../../src/core/change/row.ts'
import { createFilter } from '../../src/core/filter/filter.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import { compilePatterns } from '../../src/platform/pattern.ts'
import { openDatabase } from '../../src/store/database.ts'
import { JOURNAL_MIGRATIONS, SqliteJournalStore } from '../../src/store/journal.ts'
import { Disk } from '../core/change/disk.ts'
import { random } from '../fakes/random.ts'

/** What a policy says unless somebody says otherwise. */
const DEFAULT_LIMIT = { count: 1000, percent: 30, windowS: 600 }
const DAYS = 30
const DAY_MS = 86_400_000
const DEPLOYS_A_DAY = 4
const RELEASES_KEPT = 5
const RELEASE_FILES = 60
const ASSETS_KEPT = 60

// Every step is made durable, on a busy machine after a while.
setDefaultTimeout(30_000)

const directory = mkdtempSync(join(tmpdir(), 'cd-deploys-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** A journal with these limits over a disk in memory. */
function openJournalOf(disk: Disk): Journal {
  const file = join(directory, 'journal.db')
  const store = new SqliteJournalStore(openDatabase({ file, migrations: JOURNAL_MIGRATIONS }), 's')
  openJournal(store, { view: '', viewRevision: 1, known: null, newEpoch: () => 'e' })
  const filter = createFilter({ include: [], exclude: [] }, compilePatterns)
  if (!filter.ok) throw new Error(filter.error.message)
  const options = { filter: filter.value, lookAt: disk.look, removeMax: 1000, keepsNames: false }
  return new Journal(store, { ...options, deletionLimit: DEFAULT_LIMIT })
}

/** A site as it is kept: releases beside each other, pages, assets named by their hashes, uploads, a cache, logs. */
class Site {
  readonly disk = new Disk()
  readonly journal: Journal
  readonly #below = random(1)
  #serial = 0
  #assets: string[] = []
  #releases: string[] = []

  constructor() {
    for (const folder of ['releases', 'pages', 'assets', 'uploads', 'cache', 'logs'])
      this.disk.make(folder, 'directory')
    for (let index = 0; index < 200; index++) this.disk.make(`pages/p${index}.html`, 'file', 100)
    for (let index = 0; index < 8; index++) this.disk.make(`logs/log.${index}`, 'file', 100)
    this.disk.make('current', 'symlink')
    this.journal = openJournalOf(this.disk)
    this.#look('scan', ...this.disk.files.keys())
    this.journal.complete(this.disk.nowMs)
    for (let count = 0; count < RELEASES_KEPT; count++) this.#release()
    this.#replaceAssets(ASSETS_KEPT)
  }

  /** Makes what one deployment changes, and what goes on beside it. */
  deploy(): void {
    const acts = [
      () => this.#release(),
      () => this.#savePages(1 + this.#below(30)),
      () => this.#replaceAssets(1 + this.#below(40)),
      () => this.#add('uploads', 1 + this.#below(10)),
      () => this.#purgeCache(),
      () => this.#rotateLogs(),
      () => this.#exchangePages(),
    ]
    acts[this.#below(acts.length)]?.()
  }

  /** Everything goes, and nobody meant it. */
  lose(): void {
    this.#remove(...[...this.disk.files.keys()].filter((path) => path.includes('/')))
  }

  /** A new release beside the others, the link moved, the oldest one removed. */
  #release(): void {
    const folder = `releases/r${this.#serial++}`
    this.disk.make(folder, 'directory')
    const files = Array.from({ length: RELEASE_FILES }, (_, index) => `${folder}/f${index}`)
    for (const file of files) this.disk.make(file, 'file', 50)
    this.disk.remove('current').make('current', 'symlink')
    this.#see('', 'releases', folder, ...files, 'current')
    this.#releases.push(folder)
    if (this.#releases.length > RELEASES_KEPT) this.#remove(this.#releases.shift() ?? '')
  }

  /** As editors and rsync save: under another name, then renamed. */
  #savePages(count: number): void {
    const pages = new Set(Array.from({ length: count }, () => `pages/p${this.#below(200)}.html`))
    const temporary = [...pages].map((page) => `${page}.tmp`)
    for (const name of temporary) this.disk.make(name, 'file', 90 + this.#below(30))
    if (this.#below(2) === 0) this.#see(...temporary)
    for (const page of pages) this.disk.rename(`${page}.tmp`, page)
    this.#see('pages', ...pages, ...temporary)
  }

  #replaceAssets(count: number): void {
    this.#assets.push(...this.#add('assets', count))
    this.#remove(...this.#assets.splice(0, this.#assets.length - ASSETS_KEPT))
  }

  #add(folder: string, count: number): string[] {
    const names = Array.from({ length: count }, () => `${folder}/n${this.#serial++}`)
    for (const name of names) this.disk.make(name, 'file', 1000)
    this.#see(folder, ...names)
    return names
  }

  #purgeCache(): void {
    const names = this.#add('cache', 50)
    this.disk.nowMs += 3_600_000
    this.#remove(...names)
  }

  #rotateLogs(): void {
    for (let index = 7; index > 0; index--)
      this.disk.rename(`logs/log.${index - 1}`, `logs/log.${index}`)
    this.disk.make('logs/log.0', 'file', 0)
    this.#see('logs', ...Array.from({ length: 8 }, (_, index) => `logs/log.${index}`))
    this.disk.write('logs/log.0', 100)
    this.#see('logs/log.0')
  }

  /** The whole folder is built anew beside the old one, and the two change names. */
  #exchangePages(): void {
    const { disk } = this
    disk.make('pages.new', 'directory')
    for (let index = 0; index < 200; index++) disk.make(`pages.new/p${index}.html`, 'file', 120)
    disk.rename('pages', 'pages.old').rename('pages.new', 'pages')
    const files = [...disk.files.keys()].filter((path) => path.startsWith('pages'))
    this.#see('', 'pages.new', ...files)
    this.#remove('pages.old')
  }

  #remove(...paths: string[]): void {
    for (const path of paths) this.disk.remove(path)
    this.#see(...paths)
  }

  #see(...paths: string[]): void {
    this.disk.nowMs += 10
    this.#look('hint', ...paths)
  }

  #look(cause: LookCause, ...paths: string[]): void {
    const { disk, journal } = this
    const seen = paths.flatMap((text) => {
      const path = text as RelPath
      const state = disk.look(path)
      return state === 'unreadable' ? [] : [{ path, state, cause }]
    })
    let { leaving } = journal.record(seen, disk.nowMs)
    while (leaving.length > 0) ({ leaving } = journal.remove(leaving, disk.nowMs))
  }
}

test('a month of ordinary deployments holds nothing', () => {
  const site = new Site()
  let held = 0
  for (let deployment = 0; deployment < DAYS * DEPLOYS_A_DAY; deployment++) {
    site.disk.nowMs += DAY_MS / DEPLOYS_A_DAY
    site.deploy()
    if (site.journal.hold !== null) held++
  }
  expect(held).toBe(0)
  // The same limits hold what is no deployment.
  site.lose()
  expect(site.journal.hold).not.toBeNull()
})
