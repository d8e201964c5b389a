import { expect, test } from 'bun:test'

import { BLANK_VALUES, toFields, valuesOf } from '../../../src/master/pages/policy-form.ts'
import { policyFields } from '../../../src/master/policy-schema.ts'

const full = policyFields.parse({
  name: 'web',
  sources: [{ serverId: 's1', path: '/srv/\ufffd', pathBytes: 'L3Nydi//' }],
  targets: [
    { serverId: 's2', path: '/a' },
    { groupId: 'g1', path: '/b' },
    { regionId: 'r1', path: '/c' },
  ],
  filter: { include: ['\\.html$'], exclude: ['^cache/', '~$'], deleteExcluded: true },
  hops: [
    { scope: { from: 'g1', to: 'g2' }, compression: 9 },
    {
      scope: 'international',
      method: 'copy',
      tls: false,
      plainAcrossGroups: true,
      rateBytesPerS: 1 << 20,
    },
  ],
  maxDelete: { count: null },
  recovery: { mode: 'manual' },
  conflict: 'sourceOrder',
  metadata: { owner: 'name', xattrs: true },
})

const nameOf = (id: string) => id

test('a policy that is shown in the form and saved is unchanged', () => {
  const saved = policyFields.parse(toFields(valuesOf({ ...full, version: 3 }, nameOf), full))
  expect(saved).toEqual(full)
})

test('chains are shown by the names of their servers, and read so', () => {
  const route = { kind: 'manual', chains: [{ servers: ['s1', 's2'] }, { servers: ['s1', 's3'] }] }
  const policy = policyFields.parse({ ...full, route })
  const values = valuesOf({ ...policy, version: 1 }, (id) => `server-${id}`)
  expect(values.route).toBe('server-s1 > server-s2\nserver-s1 > server-s3')
  expect(policyFields.parse(toFields(values, policy)).route).toEqual({
    kind: 'manual',
    chains: [
      { servers: ['name:server-s1', 'name:server-s2'] },
      { servers: ['name:server-s1', 'name:server-s3'] },
    ],
  })
})

test('an untouched form gives the defaults of the API', () => {
  const values = {
    ...BLANK_VALUES,
    name: 'web',
    enabled: false,
    sources: [
      { serverId: 's1', path: '/a' },
      { serverId: '', path: '' },
    ],
    targets: [{ place: 'group:g1', path: '/a' }],
  }
  const wanted = {
    name: 'web',
    sources: [{ serverId: 's1', path: '/a' }],
    targets: [{ groupId: 'g1', path: '/a' }],
  }
  expect(policyFields.parse(toFields(values, null))).toEqual(policyFields.parse(wanted))
})

test.each([
  ['sources', { sources: [{ serverId: 's1', path: '' }] }, 'sources.0.path'],
  ['attempts', { attempts: 'many' }, 'retry.attempts'],
  [
    'hops',
    { hops: [{ scope: 'group', method: '', compression: '99', tls: '', rateMib: '' }] },
    'hops.0.compression',
  ],
] as const)('what is wrong in %s is named', (_name, change, path) => {
  const values = { ...valuesOf({ ...full, version: 1 }, nameOf), ...change }
  const outcome = policyFields.safeParse(toFields(values, null))
  expect(outcome.error?.issues[0]?.path.join('.')).toBe(path)
})
