import type { Clock } from '../platform/clock.ts'
import { createDataDirectory, openDataDirectory } from '../platform/data-dir.ts'
import {
  createSigningKey,
  parseSigningKey,
  type SigningKey,
  signingKeyText,
} from '../platform/signed-token.ts'
import { appendAct } from './act-log.ts'
import { openRegistry, type Registry } from './registry.ts'

const KEY_FILE = 'authority-key.json'
const REGISTRY_FILE = 'registry.db'

/** A licence authority: the key that signs and the registry of what it signed. */
export interface LicenseAuthority {
  readonly key: SigningKey
  readonly registry: Registry
  readonly clock: Clock
}

/** Makes a new authority in an empty folder and gives the thumbprint of its key; DATA_DIR_EXISTS. */
export async function createLicenseAuthority(path: string, clock: Clock): Promise<string> {
  return await createDataDirectory(path, 'authority', async (directory) => {
    const key = await createSigningKey()
    directory.write(KEY_FILE, signingKeyText(key))
    const registry = await openRegistry(directory.file(REGISTRY_FILE))
    const details = { keyThumbprint: key.thumbprint }
    await registry.write((writer) =>
      appendAct(writer, { act: 'init', details, atMs: clock.nowMs() }),
    )
    await registry.close()
    return key.thumbprint
  })
}

/**
 * Opens an authority for one piece of work and closes it. DATA_DIR_MISSING, DATA_VERSION, FILE_UNREADABLE where it cannot
 * be opened.
 */
export async function withLicenseAuthority<T>(
  path: string,
  clock: Clock,
  work: (authority: LicenseAuthority) => Promise<T>,
): Promise<T> {
  const directory = openDataDirectory(path, 'authority')
  const keyFile = directory.file(KEY_FILE)
  const keyText = (await Bun.file(keyFile).exists()) ? await Bun.file(keyFile).text() : ''
  const key = await parseSigningKey(keyText, keyFile)
  const registry = await openRegistry(directory.file(REGISTRY_FILE))
  try {
    return await work({ key, registry, clock })
  } finally {
    await registry.close()
  }
}
