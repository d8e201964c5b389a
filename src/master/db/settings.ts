import { eq } from 'drizzle-orm'

import type { Reader, Writer } from './database.ts'
import { settings } from './schema.ts'

/** Reads what is kept under a key; undefined where nothing is. */
export async function readSetting(reader: Reader, key: string): Promise<unknown> {
  const [row] = await reader.select().from(settings).where(eq(settings.key, key))
  return row?.value
}

/** Keeps a value, which JSON can hold, under a key. */
export async function writeSetting(
  writer: Writer,
  setting: { readonly key: string; readonly value: unknown },
): Promise<void> {
  const { value } = setting
  await writer
    .insert(settings)
    .values(setting)
    .onConflictDoUpdate({ target: settings.key, set: { value } })
}
