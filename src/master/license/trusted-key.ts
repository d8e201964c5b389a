import { AppError } from '../../core/base/errors.ts'
import { publicKeyJwk } from '../../core/wire/license.ts'
import { keyThumbprint } from '../../platform/signed-token.ts'
import type { MasterDatabase } from '../db/database.ts'
import { writeTrustedKey } from './license-table.ts'

/** A key file as it was read; `name` is for messages. */
export interface KeyFile {
  readonly name: string
  readonly text: string
}

/**
 * Trusts the key of a licence authority, given as the JWK that `cd-license public-key` prints. Gives its thumbprint.
 * FILE_UNREADABLE where the text is no Ed25519 public key.
 */
export async function trustLicenseKey(
  database: MasterDatabase,
  file: KeyFile,
  nowMs: number,
): Promise<string> {
  const jwk = parseKey(file)
  const thumbprint = await keyThumbprint(jwk)
  await database.write((writer) => writeTrustedKey(writer, { thumbprint, jwk }, nowMs))
  return thumbprint
}

function parseKey({ name, text }: KeyFile) {
  try {
    return publicKeyJwk.parse(JSON.parse(text))
  } catch (cause) {
    const message = `cannot read the key "${name}": it is no Ed25519 public key in JWK form`
    throw new AppError('FILE_UNREADABLE', message, { cause })
  }
}
