import type {
  HopValues,
  PolicyFormValues,
  SourceRowValues,
} from '../../../views/pages/policy-form-values.ts'
import type { PolicyFields, PolicyHop, PolicyTarget } from '../policy-schema.ts'
import { fromScheduleText, toScheduleText } from '../schedules/schedule-text.ts'
import type { Form } from './form.ts'
import { numberOf } from './page.ts'

const MIB = 1 << 20
const SCOPES = ['group', 'region', 'international'] as const
const METADATA = ['mode', 'hardLinks', 'xattrs', 'acls', 'sparse'] as const

/** What a new policy begins with: the defaults of the contract, and one empty row each. */
export const BLANK_VALUES: PolicyFormValues = {
  version: '',
  name: '',
  enabled: true,
  mode: 'realtime',
  sources: [{ serverId: '', path: '' }],
  targets: [{ place: '', path: '' }],
  minFreePercent: '3',
  include: '',
  exclude: '',
  deletes: 'mirror',
  firstContact: 'hold',
  maxDeleteCount: '1000',
  maxDeletePercent: '30',
  maxDeleteWindowS: '600',
  recovery: 'immediate',
  recoveryWhen: '',
  recoveryTimeZone: '',
  attempts: '3',
  backoffMs: '1000',
  conflict: 'newest',
  route: '',
  owner: 'id',
  metadata: { mode: true, hardLinks: false, xattrs: false, acls: false, sparse: true },
  hops: SCOPES.map((scope) => ({ scope, method: '', compression: '', tls: '', rateMib: '' })),
}

/** Shows a stored policy in the form. `nameOf` gives the name of a server. */
export function valuesOf(
  policy: PolicyFields & { readonly version: number },
  nameOf: (serverId: string) => string,
): PolicyFormValues {
  const { recovery } = policy
  const reserved = toScheduleText(recovery.mode === 'reserved' ? recovery.schedule : null)
  return {
    version: String(policy.version),
    name: policy.name,
    enabled: policy.enabled,
    mode: policy.mode,
    sources: policy.sources.map(({ serverId, path }) => ({ serverId, path })),
    targets: policy.targets.map((target) => ({ place: placeOf(target), path: target.path })),
    minFreePercent: String(policy.targets[0]?.minFreePercent ?? 3),
    include: policy.filter.include.join('\n'),
    exclude: policy.filter.exclude.join('\n'),
    deletes: policy.deletes,
    firstContact: policy.firstContact,
    maxDeleteCount: String(policy.maxDelete.count ?? ''),
    maxDeletePercent: String(policy.maxDelete.percent ?? ''),
    maxDeleteWindowS: String(policy.maxDelete.windowS),
    recovery: recovery.mode,
    recoveryWhen: reserved.when,
    recoveryTimeZone: reserved.timeZone,
    attempts: String(policy.retry.attempts),
    backoffMs: String(policy.retry.backoffMs),
    conflict: policy.conflict,
    route: chainsText(policy.route, nameOf),
    owner: policy.metadata.owner,
    metadata: policy.metadata,
    hops: SCOPES.map((scope) => hopValues(policy.hops, scope)),
  }
}

function chainsText(route: PolicyFields['route'], nameOf: (serverId: string) => string): string {
  if (route.kind === 'auto') return ''
  return route.chains.map(({ servers }) => servers.map(nameOf).join(' > ')).join('\n')
}

function placeOf(target: PolicyTarget): string {
  if ('serverId' in target) return `server:${target.serverId}`
  return 'groupId' in target ? `group:${target.groupId}` : `region:${target.regionId}`
}

function hopValues(hops: readonly PolicyHop[], scope: HopValues['scope']): HopValues {
  const hop = hops.find((candidate) => candidate.scope === scope)
  const rate = hop?.rateBytesPerS ?? null
  return {
    scope,
    method: hop?.method ?? '',
    compression: hop?.compression === undefined ? '' : String(hop.compression),
    tls: hop?.tls === undefined ? '' : hop.tls ? 'on' : 'off',
    rateMib: rate === null ? '' : String(rate / MIB),
  }
}

/** Reads the form as it was sent, so that it can be shown again as it was typed. */
export function readValues(form: Form): PolicyFormValues {
  const text = (name: string) => form.text(name)
  const paths = { sources: form.all('sourcePath'), targets: form.all('targetPath') }
  const ticked = form.all('metadata')
  return {
    version: text('version'),
    name: text('name'),
    enabled: form.has('enabled'),
    mode: text('mode'),
    sources: form
      .all('sourceServer')
      .map((serverId, index) => ({ serverId, path: paths.sources[index]?.trim() ?? '' })),
    targets: form
      .all('targetPlace')
      .map((place, index) => ({ place, path: paths.targets[index]?.trim() ?? '' })),
    minFreePercent: text('minFreePercent'),
    include: text('include'),
    exclude: text('exclude'),
    deletes: text('deletes'),
    firstContact: text('firstContact'),
    maxDeleteCount: text('maxDeleteCount'),
    maxDeletePercent: text('maxDeletePercent'),
    maxDeleteWindowS: text('maxDeleteWindowS'),
    recovery: text('recovery'),
    recoveryWhen: text('recoveryWhen'),
    recoveryTimeZone: text('recoveryTimeZone'),
    attempts: text('attempts'),
    backoffMs: text('backoffMs'),
    conflict: text('conflict'),
    route: text('route'),
    owner: text('owner'),
    metadata: {
      mode: ticked.includes('mode'),
      hardLinks: ticked.includes('hardLinks'),
      xattrs: ticked.includes('xattrs'),
      acls: ticked.includes('acls'),
      sparse: ticked.includes('sparse'),
    },
    hops: SCOPES.map((scope) => ({
      scope,
      method: text(`hop.${scope}.method`),
      compression: text(`hop.${scope}.compression`),
      tls: text(`hop.${scope}.tls`),
      rateMib: text(`hop.${scope}.rateMib`),
    })),
  }
}

/**
 * Gives a policy in the form of the API, not yet parsed. What the form does not show stays as it is in `current`: hops
 * between named places, paths whose bytes are not UTF-8.
 */
export function toFields(values: PolicyFormValues, current: PolicyFields | null): unknown {
  return {
    ...current,
    name: values.name,
    enabled: values.enabled,
    mode: values.mode,
    sources: sourcesOf(values, current),
    targets: targetsOf(values, current),
    filter: { ...current?.filter, ...filterOf(values) },
    deletes: values.deletes,
    firstContact: values.firstContact,
    maxDelete: {
      count: numberOf(values.maxDeleteCount) ?? null,
      percent: numberOf(values.maxDeletePercent) ?? null,
      windowS: numberOf(values.maxDeleteWindowS),
    },
    recovery: recoveryOf(values),
    retry: { attempts: numberOf(values.attempts), backoffMs: numberOf(values.backoffMs) },
    conflict: values.conflict,
    route: routeOf(values.route),
    metadata: { owner: values.owner, ...pickMetadata(values) },
    hops: [
      ...(current?.hops ?? []).filter((hop) => typeof hop.scope !== 'string'),
      ...hopsOf(values),
    ],
  }
}

/** The sources that were typed; one that is saved already as it is saved. */
export function sourcesOf(
  values: PolicyFormValues,
  current: PolicyFields | null,
): readonly (SourceRowValues & { readonly pathBytes?: string | undefined })[] {
  return values.sources
    .filter((row) => row.serverId !== '' || row.path !== '')
    .map((row) => {
      const same = current?.sources.find(
        ({ serverId, path }) => serverId === row.serverId && path === row.path,
      )
      return same ?? row
    })
}

function targetsOf(values: PolicyFormValues, current: PolicyFields | null) {
  const minFreePercent = numberOf(values.minFreePercent)
  return values.targets
    .filter((row) => row.place !== '' || row.path !== '')
    .map(({ place, path }) => {
      const same = current?.targets.find(
        (target) => placeOf(target) === place && target.path === path,
      )
      const [kind = '', id = ''] = place.split(':', 2)
      return { ...(same ?? { [`${kind === '' ? 'server' : kind}Id`]: id, path }), minFreePercent }
    })
}

function recoveryOf({
  recovery,
  recoveryWhen: when,
  recoveryTimeZone: timeZone,
}: PolicyFormValues) {
  if (recovery !== 'reserved') return { mode: recovery }
  return { mode: recovery, schedule: fromScheduleText({ when, timeZone }) }
}

function pickMetadata(values: PolicyFormValues) {
  return Object.fromEntries(METADATA.map((name) => [name, values.metadata[name]]))
}

function hopsOf(values: PolicyFormValues): readonly unknown[] {
  return values.hops.flatMap((hop) => {
    const rate = numberOf(hop.rateMib)
    const options = {
      ...(hop.method === '' ? {} : { method: hop.method }),
      ...(hop.compression === '' ? {} : { compression: numberOf(hop.compression) }),
      ...(hop.tls === '' ? {} : { tls: hop.tls === 'on' }),
      ...(hop.tls === 'off' && hop.scope !== 'group' ? { plainAcrossGroups: true } : {}),
      ...(rate === undefined
        ? {}
        : { rateBytesPerS: typeof rate === 'number' ? Math.round(rate * MIB) : rate }),
    }
    return Object.keys(options).length === 0 ? [] : [{ scope: hop.scope, ...options }]
  })
}

/** A chain a line, its servers by name with `>` between them; nothing is an automatic route. */
function routeOf(text: string): unknown {
  const chains = lines(text).map((line) => ({
    servers: line.split('>').map((name) => `name:${name.trim()}`),
  }))
  return chains.length === 0 ? { kind: 'auto' } : { kind: 'manual', chains }
}

/** The patterns that were typed, one a line. */
export function filterOf({ include, exclude }: PolicyFormValues) {
  return { include: lines(include), exclude: lines(exclude) }
}

function lines(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}
