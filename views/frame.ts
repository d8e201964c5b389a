/** What every page knows beside its own matter. */
export interface Frame {
  /** Path and query of this page. */
  readonly url: string
  readonly nowMs: number
  readonly account: Account
  /** Proves that a form came from a page of this session. */
  readonly csrf: string
  readonly theme: Theme
  /** Names of the embedded files with their versions, from name to address. */
  readonly assets: Assets
  /** The state of the licence; anything but `valid` is said on every page. */
  readonly license: LicenseNotice
  /** Said once at the top: what the last act did, or why it was refused. */
  readonly notice: Notice | null
  readonly may: May
}

export interface Account {
  readonly id: string
  readonly name: string
  readonly role: string
}

export type Theme = 'light' | 'dark' | 'system'

export interface Assets {
  readonly style: string
  readonly htmx: string
  readonly events: string
  readonly script: string
  readonly icon: string
}

export interface LicenseNotice {
  readonly state: string
  readonly code: string | null
  readonly expiresAt: string | null
  readonly graceUntil: string | null
}

export interface Notice {
  readonly tone: 'good' | 'bad' | 'warn'
  readonly text: string
  /** What to do about it. */
  readonly action?: string
}

/** What this account may do, as far as pages show it. */
export interface May {
  readonly operate: boolean
  readonly administer: boolean
}
