import { randomUUID } from 'node:crypto'

import type { Installation } from '../../core/license/evaluate.ts'
import { installRequestPayload, LICENSE_TYPES } from '../../core/wire/license.ts'
import type { DataDirectory } from '../../platform/data-dir.ts'
import {
  createSigningKey,
  parseSigningKey,
  type SigningKey,
  signingKeyText,
  signToken,
} from '../../platform/signed-token.ts'

const KEY_FILE = 'installation-key.json'

/** This installation with the key that its licence is bound to. Whoever has the key is the installation. */
export interface OwnInstallation extends Installation {
  readonly key: SigningKey
}

/** Makes the installation's key and writes it into the data folder, readable by its owner only. */
export async function createInstallationKey(directory: DataDirectory): Promise<void> {
  directory.write(KEY_FILE, signingKeyText(await createSigningKey()))
}

/** Reads what `createInstallationKey` wrote; FILE_UNREADABLE where it is gone or no key. */
export async function openInstallation(
  directory: DataDirectory,
  id: string,
): Promise<OwnInstallation> {
  const file = directory.file(KEY_FILE)
  const text = (await Bun.file(file).exists()) ? await Bun.file(file).text() : ''
  const key = await parseSigningKey(text, file)
  return { id, key, keyThumbprint: key.thumbprint }
}

/** The installation request: who asks, signed with the key that the Install License File is to be bound to. */
export async function signInstallRequest(
  installation: OwnInstallation,
  { siteId, nowMs }: { readonly siteId: string | null; readonly nowMs: number },
): Promise<string> {
  const { id: installationId, key, keyThumbprint } = installation
  const request = { id: randomUUID(), installationId, keyThumbprint, requestedAtMs: nowMs, siteId }
  return await signToken(key, {
    type: LICENSE_TYPES.request,
    claims: installRequestPayload(request),
    header: { jwk: key.publicKey },
  })
}
