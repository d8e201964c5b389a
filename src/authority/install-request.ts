import { AppError } from '../core/base/errors.ts'
import type { InstallRequest } from '../core/license/claims.ts'
import { installRequestClaims, LICENSE_TYPES, publicKeyJwk } from '../core/wire/license.ts'
import { checkToken, keyThumbprint, readTokenHeader } from '../platform/signed-token.ts'

/** A request as it was handed over; `name` is for messages. */
export interface RequestFile {
  readonly name: string
  readonly text: string
}

/**
 * Verifies an installation request: it must be signed with the very key it asks a licence for, else anyone could have a
 * licence bound to an installation that is not theirs. INVALID_REQUEST says what is wrong.
 */
export async function readInstallRequest({ name, text }: RequestFile): Promise<InstallRequest> {
  const token = text.trim()
  const refused = (reason: string) =>
    new AppError('INVALID_REQUEST', `cannot accept the installation request "${name}": ${reason}`)
  const key = publicKeyJwk.safeParse(readTokenHeader(token)?.['jwk'])
  if (!key.success) throw refused('it is no installation request')
  const thumbprint = await keyThumbprint(key.data)
  const check = await checkToken(token, new Map([[thumbprint, key.data]]))
  if (check.kind !== 'verified') throw refused('its signature does not hold: it was changed')
  if (check.type !== LICENSE_TYPES.request)
    throw refused(`it is of the type ${JSON.stringify(check.type)}`)
  const claims = installRequestClaims.safeParse(check.claims)
  if (!claims.success) throw refused('a newer program may have made it')
  if (claims.data.keyThumbprint !== thumbprint)
    throw refused('it is signed with another key than the one it names')
  return claims.data
}
