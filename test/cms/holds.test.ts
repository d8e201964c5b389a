import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'

import { Rig, until } from './rig.ts'

// What is waited for comes in milliseconds, on a busy machine in seconds.
setDefaultTimeout(30_000)

let rig: Rig
afterEach(() => rig.remove())

describe('more deletions than may go at once', () => {
  const deletionLimit = { count: 2, percent: null, windowS: 600 }
  const emptied = async (): Promise<void> => {
    rig = new Rig({ config: { deletionLimit } })
    for (let index = 0; index < 6; index++) writeFileSync(rig.at(`f${index}`), 'content')
    await rig.start()
    await rig.flush()
    for (let index = 0; index < 6; index++) rmSync(rig.at(`f${index}`))
    await until(() => rig.report.hold?.deletes === 4, 'they are held')
  }
  const operations = () => [...rig.rows().values()].map(({ entry }) => entry.operation)

  test('are held and told with what they are, also after a restart', async () => {
    await emptied()
    const hold = rig.report.hold
    expect(hold).toMatchObject({ code: 'MAX_DELETE', deletes: 4, updates: 0, bytes: 28 })
    expect(hold?.message).toBe(
      '4 files are gone or empty at the source, which is more than 2 files within 600 s',
    )
    expect(hold?.sample).toHaveLength(4)
    await rig.stop()
    await rig.start()
    await rig.flush()
    expect(rig.report.hold).toEqual(hold ?? null)
  })

  test.each(['release', 'keep'] as const)('wait for a word: %s', async (decision) => {
    await emptied()
    const { sourceId } = rig.config
    const fingerprint = rig.report.hold?.fingerprint ?? ''
    const resolve = (shown: string) =>
      rig.cms.resolveHold({ sourceId, fingerprint: shown, decision })
    expect(await resolve('something else')).toEqual({ outcome: 'changed', position: null })
    const { outcome, position } = await resolve(fingerprint)
    expect([outcome, position?.seq]).toEqual(['done', rig.outbound.headSeq()])
    expect(rig.report.hold).toBeNull()
    expect(operations()).not.toContain('held')
    expect(operations().filter((operation) => operation === 'kept')).toHaveLength(
      decision === 'keep' ? 4 : 0,
    )
    expect(await resolve(fingerprint)).toMatchObject({ outcome: 'unknown' })
  })
})
