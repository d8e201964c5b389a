import type { Database, Statement } from 'bun:sqlite'

import type { IndexBatch } from '../core/apply/index-store.ts'
import {
  type Note,
  NO_NOTES,
  NOTICES,
  type NotedPath,
  type TargetNotes,
} from '../core/apply/notes.ts'
import { toBytes } from '../core/base/byte-string.ts'
import type { RelPath } from '../core/path/rel-path.ts'
import { storedBytes } from './stored-bytes.ts'

/** Paths that a report names; of the rest it tells how many they are. */
const NEWEST_MAX = 100

interface NoteRecord {
  readonly path: Uint8Array
  readonly code: string
  readonly seq: bigint
}

type NotesBatch = Pick<IndexBatch, 'renoted' | 'notes'> & {
  /** Paths at which a conflict ended; what else they lack stays. */
  readonly ended: readonly RelPath[]
}

/** The notes of one binding. How many there are is kept in memory, so that where there are none nothing is asked. */
export class IndexNotes {
  readonly #id: bigint
  readonly #statements: Statements
  #counts: ReadonlyMap<Note, number>
  #notes: TargetNotes | null = null

  constructor(database: Database, id: bigint) {
    this.#id = id
    this.#statements = prepare(database)
    const counted = this.#statements.counts.all(id)
    this.#counts = new Map(
      counted.flatMap(({ code, count }) => (isNote(code) ? [[code, Number(count)]] : [])),
    )
  }

  /** There are none any more. */
  forget(): void {
    this.#counts = new Map()
    this.#notes = null
  }

  /** As of the last commit. */
  read(): TargetNotes {
    this.#notes ??= this.#counts.size === 0 ? NO_NOTES : this.#read()
    return this.#notes
  }

  /** Paths with a note. */
  pathsOf(code: Note): RelPath[] {
    if (!this.#counts.has(code)) return []
    return this.#statements.paths
      .all(this.#id, code)
      .map(({ path }) => storedBytes(path) as RelPath)
  }

  /** Writes what a batch says, within its transaction; `taken` is to be called once that is committed. */
  write({ renoted, ended, notes }: NotesBatch): { taken: () => void } {
    if (this.#counts.size === 0 && notes.length === 0) return { taken: () => undefined }
    const counts = new Map(this.#counts)
    const add = (code: string, difference: number): void => {
      if (!isNote(code)) return
      const count = (counts.get(code) ?? 0) + difference
      if (count === 0) counts.delete(code)
      else counts.set(code, count)
    }
    for (const path of renoted)
      for (const { code } of this.#statements.remove.all(this.#id, toBytes(path))) add(code, -1)
    for (const path of ended)
      for (const { code } of this.#statements.removeOne.all(this.#id, toBytes(path), 'CONFLICT'))
        add(code, -1)
    for (const { path, code, seq } of notes) {
      const { changes } = this.#statements.put.run(this.#id, toBytes(path), code, seq)
      add(code, changes)
    }
    return {
      taken: () => {
        this.#counts = counts
        this.#notes = null
      },
    }
  }

  #read(): TargetNotes {
    const records = this.#statements.newest.all(this.#id, NEWEST_MAX)
    return {
      counts: [...this.#counts]
        .map(([code, count]) => ({ code, count }))
        .toSorted((one, other) => (one.code < other.code ? -1 : 1)),
      newest: records.flatMap(notedPath),
    }
  }
}

type Id = bigint
type Bytes = Uint8Array

interface Statements {
  readonly counts: Statement<{ code: string; count: bigint }, [Id]>
  readonly paths: Statement<{ path: Uint8Array }, [Id, string]>
  readonly newest: Statement<NoteRecord, [Id, number]>
  readonly put: Statement<unknown, [Id, Bytes, string, number]>
  readonly remove: Statement<{ code: string }, [Id, Bytes]>
  readonly removeOne: Statement<{ code: string }, [Id, Bytes, string]>
}

function prepare(database: Database): Statements {
  return {
    counts: database.prepare(
      'SELECT code, count(*) AS count FROM note WHERE binding = ? GROUP BY code ORDER BY code',
    ),
    paths: database.prepare('SELECT path FROM note WHERE binding = ? AND code = ?'),
    newest: database.prepare(
      'SELECT * FROM note WHERE binding = ?1 ORDER BY seq DESC, path DESC, code DESC LIMIT ?2',
    ),
    put: database.prepare(
      'INSERT OR IGNORE INTO note (binding, path, code, seq) VALUES (?, ?, ?, ?)',
    ),
    remove: database.prepare('DELETE FROM note WHERE binding = ? AND path = ? RETURNING code'),
    removeOne: database.prepare(
      'DELETE FROM note WHERE binding = ? AND path = ? AND code = ? RETURNING code',
    ),
  }
}

function notedPath({ path, code, seq }: NoteRecord): NotedPath[] {
  return isNote(code) ? [{ path: storedBytes(path) as RelPath, code, seq: Number(seq) }] : []
}

function isNote(code: string): code is Note {
  return Object.hasOwn(NOTICES, code)
}
