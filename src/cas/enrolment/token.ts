import { AppError } from '../../core/base/errors.ts'

/** What an enrolment token holds: the secret that the master knows, and which authority to believe. */
export interface EnrolmentToken {
  readonly secret: string
  /** SHA-256 of the authority's certificate (DER), base64url. */
  readonly fingerprint: string
}

const FORM = /^cdt1\.([A-Za-z0-9_-]{40,64})\.([A-Za-z0-9_-]{43})$/

/** Takes a token apart; TOKEN_INVALID where it has not the form `cdt1.<secret>.<fingerprint>`. Never quotes it. */
export function parseEnrolmentToken(text: string): EnrolmentToken {
  const [, secret, fingerprint] = FORM.exec(text.trim()) ?? []
  if (secret !== undefined && fingerprint !== undefined) return { secret, fingerprint }
  throw new AppError('TOKEN_INVALID', 'cannot enrol: the token is incomplete or no enrolment token')
}
