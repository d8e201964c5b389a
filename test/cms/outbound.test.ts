import { expect, test } from 'bun:test'

import { createOutbound } from '../../src/cms/outbound.ts'
import { fromText } from '../../src/core/base/byte-string.ts'
import type { Journal } from '../../src/core/change/journal.ts'
import { RestlessFiles } from '../../src/core/change/restless.ts'
import { MemorySource } from '../fakes/memory-source.ts'

/** What a journal hands out: one file of user 33 and group 50. */
function outbound(accounts: Parameters<typeof createOutbound>[0]['accounts']) {
  const source = new MemorySource()
  const path = source.write('a', 'a')
  const state = source.tree.lstat(path)
  const row = { seq: 1, path, operation: 'create', from: null, hash: null, hashTrust: 'unknown' }
  const rows = [{ ...row, state: state && { ...state, uid: 33, gid: 50 } }]
  const journal = { handOut: () => rows } as unknown as Journal
  return createOutbound({
    sourceId: 'source-1',
    journal: () => journal,
    tree: () => source.tree,
    requireRoot: () => {},
    resequence: () => {},
    lookLater: () => {},
    restless: new RestlessFiles(1000),
    nowMs: () => 0,
    accounts,
    keepsNames: false,
  }).changes({ after: 0, upTo: 1, limit: 10, liveOnly: false })[0]?.entry.state
}

test('owners travel with their names where the policy asks for it, and without where there is none', () => {
  const nobody = { uidOf: () => null, gidOf: () => null, groupOf: () => null }
  const www = { ...nobody, userOf: (uid: number) => (uid === 33 ? fromText('www') : null) }
  expect(outbound(() => www)).toMatchObject({
    uid: 33,
    gid: 50,
    ownerNames: { user: fromText('www'), group: null },
  })
  expect(outbound(null)).not.toHaveProperty('ownerNames')
})
