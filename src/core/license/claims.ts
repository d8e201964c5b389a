import type { Limits } from './limits.ts'
import type { Term } from './term.ts'

/** What both licence files say of themselves. */
interface Licensed extends Term {
  /** Of this very file; the authority's log knows it. */
  readonly id: string
  readonly issuedAtMs: number
  readonly graceDays: number
  readonly siteId: string
}

/** The Company/Site License File: whom and how much. */
export interface SiteLicense extends Licensed {
  readonly company: string
  readonly site: string
  readonly limits: Limits
}

/** The Install License File: on which installation, known by its id and the thumbprint (RFC 7638) of its key. */
export interface InstallLicense extends Licensed {
  readonly installationId: string
  readonly keyThumbprint: string
}

/** What a master asks for, signed with the very key that the licence is to be bound to. */
export interface InstallRequest {
  readonly id: string
  readonly installationId: string
  readonly keyThumbprint: string
  readonly requestedAtMs: number
  /** The site whose file the master holds already. */
  readonly siteId: string | null
}
