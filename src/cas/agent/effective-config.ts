import type { ByteString } from '../../core/base/byte-string.ts'
import type { Failure } from '../../core/base/result.ts'
import type {
  AgentConfig,
  AgentMessageOf,
  SourceConfig,
  TargetConfig,
} from '../../core/wire/control.ts'
import type { AllowList } from '../allow-list.ts'
import type { Role } from '../identity.ts'

/** What this host adds to the master's word. */
export interface HostRules {
  readonly allowList: AllowList
  /** From `--roles`; null for all that were granted. */
  readonly roles: readonly Role[] | null
  /** Why this process cannot receive, whatever is granted; null where it can. */
  readonly noReceiving: Failure | null
}

/** What of a configuration is done here, and what is refused, as reports for the master. */
export interface EffectiveConfig {
  readonly roles: readonly Role[]
  /** With the paths where the roots really lie: what was checked is what is used. */
  readonly sources: readonly SourceConfig[]
  readonly targets: readonly TargetConfig[]
  readonly refusals: readonly (AgentMessageOf<'sourceReport'> | AgentMessageOf<'targetReport'>)[]
}

/** Narrows the master's configuration to what this host allows. The master cannot widen it again. */
export function effectiveConfig(config: AgentConfig, rules: HostRules): EffectiveConfig {
  const roles = config.roles.filter((role) => rules.roles?.includes(role) ?? true)
  const refusals: (AgentMessageOf<'sourceReport'> | AgentMessageOf<'targetReport'>)[] = []
  const sources = config.sources.flatMap((source) => {
    const path = checkPath(source.path, roles.includes('cms') ? null : noRole('cms'), rules)
    if (path.ok) return [{ ...source, path: path.value }]
    refusals.push(refuseSource(source, path.error))
    return []
  })
  const noReceiving = roles.includes('cas') ? rules.noReceiving : noRole('cas')
  const targets = config.targets.flatMap((target) => {
    const path = checkPath(target.path, noReceiving, rules)
    if (path.ok) return [{ ...target, path: path.value }]
    refusals.push(refuseTarget(target, path.error))
    return []
  })
  return { roles, sources, targets, refusals }
}

function noRole(role: Role): Failure {
  return { code: 'FORBIDDEN', message: `cannot act as ${role}: this agent does not have that role` }
}

function checkPath(path: string, refusal: Failure | null, rules: HostRules) {
  if (refusal !== null) return { ok: false, error: refusal } as const
  return rules.allowList.checkRoot(path as ByteString)
}

function refuseSource(source: SourceConfig, error: Failure): AgentMessageOf<'sourceReport'> {
  return {
    type: 'sourceReport',
    policyId: source.policyId,
    sourceId: source.sourceId,
    // Nothing was looked at, so nothing is said that the master does not know.
    epoch: source.known?.epoch ?? 'none',
    headSeq: source.known?.seq ?? 0,
    viewRevision: source.viewRevision,
    completeAt: null,
    gaps: [],
    fileCount: 0,
    totalBytes: 0,
    error,
  }
}

function refuseTarget(target: TargetConfig, error: Failure): AgentMessageOf<'targetReport'> {
  return {
    type: 'targetReport',
    policyId: target.policyId,
    bindingId: target.bindingId,
    watermark: null,
    pendingCount: 0,
    pending: [],
    error,
  }
}
