/** A policy as its form shows it: texts as they were typed. */
export interface PolicyFormValues {
  /** The version that is being changed; empty for a new policy. */
  readonly version: string
  readonly name: string
  readonly enabled: boolean
  readonly mode: string
  readonly sources: readonly SourceRowValues[]
  readonly targets: readonly TargetRowValues[]
  readonly minFreePercent: string
  /** One pattern a line. */
  readonly include: string
  readonly exclude: string
  readonly deletes: string
  readonly firstContact: string
  /** Empty for no limit. */
  readonly maxDeleteCount: string
  readonly maxDeletePercent: string
  readonly maxDeleteWindowS: string
  readonly recovery: string
  /** Where that waits for a reserved time. */
  readonly recoveryWhen: string
  readonly recoveryTimeZone: string
  readonly attempts: string
  readonly backoffMs: string
  readonly conflict: string
  /** One chain a line, names with `>` between them; empty for an automatic route. */
  readonly route: string
  readonly owner: string
  readonly metadata: MetadataValues
  readonly hops: readonly HopValues[]
}

export interface SourceRowValues {
  readonly serverId: string
  readonly path: string
}

export interface TargetRowValues {
  /** `server:ID`, `group:ID` or `region:ID`. */
  readonly place: string
  readonly path: string
}

export interface MetadataValues {
  readonly mode: boolean
  readonly hardLinks: boolean
  readonly xattrs: boolean
  readonly acls: boolean
  readonly sparse: boolean
}

/** How content travels over one kind of hop; empty for the default. */
export interface HopValues {
  readonly scope: 'group' | 'region' | 'international'
  readonly method: string
  readonly compression: string
  readonly tls: string
  readonly rateMib: string
}
