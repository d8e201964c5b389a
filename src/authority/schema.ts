import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// The tables of migrations/authority, as drizzle sees them. Constraints and indexes stand in the SQL alone.

export const companies = sqliteTable('companies', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  createdAtMs: integer('created_at_ms').notNull(),
})

export const sites = sqliteTable('sites', {
  id: text('id').primaryKey(),
  companyId: text('company_id').notNull(),
  name: text('name').notNull(),
  regions: integer('regions').notNull(),
  groups: integer('groups').notNull(),
  cas: integer('cas').notNull(),
  cms: integer('cms').notNull(),
  days: integer('days').notNull(),
  graceDays: integer('grace_days').notNull(),
  startMs: integer('start_ms'),
  endMs: integer('end_ms'),
  registeredAtMs: integer('registered_at_ms').notNull(),
})

export const issuedFiles = sqliteTable('issued_files', {
  id: text('id').primaryKey(),
  kind: text('kind').$type<'site' | 'install'>().notNull(),
  siteId: text('site_id').notNull(),
  installationId: text('installation_id'),
  keyThumbprint: text('key_thumbprint'),
  token: text('token').notNull(),
  issuedAtMs: integer('issued_at_ms').notNull(),
})

export const acts = sqliteTable('acts', {
  number: integer('number').primaryKey(),
  atMs: integer('at_ms').notNull(),
  act: text('act').notNull(),
  details: text('details').notNull(),
  previousHash: text('previous_hash').notNull(),
  hash: text('hash').notNull(),
})
