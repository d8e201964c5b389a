import type { Database } from 'bun:sqlite'

import initial from '../../migrations/agent/index/0001_index.sql' with { type: 'text' }
import attributes from '../../migrations/agent/index/0002_attributes.sql' with { type: 'text' }
import notes from '../../migrations/agent/index/0003_notes.sql' with { type: 'text' }
import names from '../../migrations/agent/index/0004_names.sql' with { type: 'text' }
import rootBirth from '../../migrations/agent/index/0005_root_birth.sql' with { type: 'text' }
import held from '../../migrations/agent/index/0006_held.sql' with { type: 'text' }
import absent from '../../migrations/agent/index/0007_absent.sql' with { type: 'text' }
import operation from '../../migrations/agent/index/0008_absent_operation.sql' with { type: 'text' }
import listed from '../../migrations/agent/index/0009_listed.sql' with { type: 'text' }
import type { KnownRoot } from '../core/change/known-root.ts'
import { durably, openDatabase, openDatabaseReadOnly } from './database.ts'
import { BindingIndex } from './index-binding.ts'
import { Holding } from './index-holding.ts'
import { IS_NAMED } from './index-statements.ts'

const MIGRATIONS = [initial, attributes, notes, names, rootBirth, held, absent, operation, listed]

/** `index.db`: what this host holds of every binding. One writer, the Sync Server. */
export class IndexFile {
  readonly #database: Database
  readonly #bindings = new Map<string, BindingIndex>()

  private constructor(database: Database) {
    this.#database = database
  }

  /** Opens or makes the file. Throws DATA_VERSION, FILE_UNREADABLE. */
  static open(file: string): IndexFile {
    const database = openDatabase({ file, migrations: MIGRATIONS })
    dropUnshared(database)
    return new IndexFile(database)
  }

  /** Opens an existing file beside its writer, for looking only. */
  static openReadOnly(file: string): IndexFile {
    return new IndexFile(openDatabaseReadOnly({ file, migrations: MIGRATIONS }))
  }

  /** The index of one binding, made where it is new; always the same object. */
  binding(bindingId: string): BindingIndex {
    const known = this.#bindings.get(bindingId)
    if (known !== undefined) return known
    this.#database
      .query('INSERT INTO binding (binding_id, list) VALUES (?, 0) ON CONFLICT DO NOTHING')
      .run(bindingId)
    const index = this.#load(bindingId)
    if (index === null) throw new Error(`binding "${bindingId}" was just made`)
    return index
  }

  /** What a binding holds, as of every moment at which it is asked. */
  holding(bindingId: string): Holding {
    return new Holding(this.#database, bindingId)
  }

  /** The index of a binding that was received before; null for none. */
  existing(bindingId: string): BindingIndex | null {
    return this.#bindings.get(bindingId) ?? this.#load(bindingId)
  }

  /** Forgets, in one transaction, all that these bindings of one root received: it is another folder from now on. */
  startOver(bindingIds: readonly string[], root: KnownRoot): void {
    const indexes = bindingIds.map((bindingId) => this.binding(bindingId))
    const written = durably(this.#database, () => indexes.map((index) => index.startOver(root)))
    for (const { taken } of written) taken()
  }

  close(): void {
    this.#bindings.clear()
    this.#database.close()
  }

  #load(bindingId: string): BindingIndex | null {
    const row = this.#database
      .query<{ id: bigint }, [string]>('SELECT id FROM binding WHERE binding_id = ?')
      .get(bindingId)
    if (row === null) return null
    const index = new BindingIndex(this.#database, row.id, (other) => this.binding(other))
    this.#bindings.set(bindingId, index)
    return index
  }
}

/** Files of which no name is left; their inode numbers are given to others sooner or later, or never. */
function dropUnshared(database: Database): void {
  const [unshared] = database.query(`SELECT 1 FROM shared WHERE NOT ${IS_NAMED} LIMIT 1`).values()
  if (unshared !== undefined) database.run(`DELETE FROM shared WHERE NOT ${IS_NAMED}`)
}
