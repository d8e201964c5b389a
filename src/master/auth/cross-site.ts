import { AppError } from '../../core/base/errors.ts'
import { equalSecrets } from './secrets.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What a request says of where it comes from. */
export interface RequestOrigin {
  readonly method: string
  /** Header `Sec-Fetch-Site`: browsers set it, pages cannot. */
  readonly fetchSite: string | null
  readonly origin: string | null
  /** The host this request was sent to. */
  readonly host: string | null
  /** Header `X-CSRF-Token`, or the field `csrf` of a form. */
  readonly csrfToken: string | null
}

/** Tells whether a method changes nothing by definition. */
export function isSafeMethod(method: string): boolean {
  return SAFE_METHODS.has(method)
}

/**
 * Throws CROSS_SITE where a change with a session cookie may have been sent by a page of another site. A browser says
 * where a request comes from, and its word decides; whoever says nothing must show the session's token.
 */
export function assertSameSite(request: RequestOrigin, sessionCsrfToken: string): void {
  if (isSafeMethod(request.method)) return
  const proof = originProof(request)
  if (proof === 'foreign') throw crossSite()
  if (proof === 'own') return
  if (request.csrfToken === null || !equalSecrets(request.csrfToken, sessionCsrfToken))
    throw crossSite()
}

/** Throws CROSS_SITE for a sign-in from a page of another site: it would sign a person in to someone else's account. */
export function assertNotForeign(request: RequestOrigin): void {
  if (!isSafeMethod(request.method) && originProof(request) === 'foreign') throw crossSite()
}

/** Throws CROSS_SITE unless the form carries the token of its session. */
export function assertFormToken(csrfToken: string | null, sessionCsrfToken: string): void {
  if (csrfToken === null || !equalSecrets(csrfToken, sessionCsrfToken)) throw crossSite()
}

function originProof(request: RequestOrigin): 'own' | 'foreign' | 'silent' {
  if (request.fetchSite === 'same-origin') return 'own'
  // `none` is what no page started: a bookmark, a reload.
  if (request.fetchSite !== null && request.fetchSite !== 'none') return 'foreign'
  if (request.origin === null) return 'silent'
  return hostOf(request.origin) === request.host ? 'own' : 'foreign'
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}

function crossSite(): AppError {
  return new AppError(
    'CROSS_SITE',
    'cannot accept change: it does not come from a page of this master',
  )
}
