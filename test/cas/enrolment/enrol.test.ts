import { afterAll, beforeAll, describe, expect, test } from 'bun:test'

import { enrol } from '../../../src/cas/enrolment/enrol.ts'
import { AppError } from '../../../src/core/base/errors.ts'
import { type FakeMaster, makeAuthorityFor, startFakeMaster } from '../../fakes/fake-master.ts'

let master: FakeMaster

beforeAll(async () => {
  master = await startFakeMaster()
})
afterAll(() => master.kill())

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'none'
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : String(thrown)
  }
}

const silent = new URL('https://127.0.0.1:1')

describe('enrolment', () => {
  test('gives an identity whose certificate is for the key made here', async () => {
    const identity = await enrol({ masters: [master.url], token: master.token(), name: 'web-1' })
    expect(identity.keyPem).toStartWith('-----BEGIN PRIVATE KEY-----')
    expect(identity.certificatePem).toStartWith('-----BEGIN CERTIFICATE-----')
    expect(identity).toMatchObject({
      name: 'web-1',
      installationId: 'installation-1',
      masters: [master.url.href],
      roles: ['cms', 'cas', 'sm'],
    })
  })

  test('takes the next master where the first is silent', async () => {
    const masters = [silent, master.url]
    const identity = await enrol({ masters, token: master.token(), name: 'web-2' })
    expect(identity.masters).toEqual(masters.map((url) => url.href))
  })

  test('a token works once', async () => {
    const token = master.token()
    await enrol({ masters: [master.url], token, name: 'web-3' })
    expect(await codeOf(enrol({ masters: [master.url], token, name: 'web-4' }))).toBe('TOKEN_USED')
  })

  test('an unknown token is refused by the master', async () => {
    const [, , fingerprint] = master.token().split('.')
    const token = `cdt1.${'A'.repeat(43)}.${fingerprint}`
    expect(await codeOf(enrol({ masters: [master.url], token, name: 'x' }))).toBe('TOKEN_INVALID')
  })

  test.each([
    ['', 'nothing'],
    ['cdt1.abc.def', 'too short'],
    ['cdt2.' + 'A'.repeat(43) + '.' + 'B'.repeat(43), 'another version'],
  ])('token "%s" (%s) never leaves the host', async (token) => {
    expect(await codeOf(enrol({ masters: [silent], token, name: 'x' }))).toBe('TOKEN_INVALID')
  })

  test('nobody there', async () => {
    expect(await codeOf(enrol({ masters: [silent], token: master.token(), name: 'x' }))).toBe(
      'MASTER_UNREACHABLE',
    )
  })

  test("another installation's authority is not believed, and the token stays good", async () => {
    const other = await startFakeMaster()
    const token = master.token()
    expect(await codeOf(enrol({ masters: [other.url], token, name: 'x' }))).toBe('MASTER_UNTRUSTED')
    other.kill()
    expect(await codeOf(enrol({ masters: [master.url], token, name: 'x' }))).toBe('none')
  })

  test('an agent of the same authority cannot play the master', async () => {
    const authority = await makeAuthorityFor()
    const honest = await startFakeMaster({ authority })
    const agent = await enrol({ masters: [honest.url], token: honest.token(), name: 'rogue' })
    const impostor = { key: agent.keyPem, certificate: agent.certificatePem }
    const rogue = await startFakeMaster({ authority, impostor })
    const attempt = enrol({ masters: [rogue.url], token: rogue.token(), name: 'x' })
    expect(await codeOf(attempt)).toBe('MASTER_UNTRUSTED')
    honest.kill()
    rogue.kill()
  })
})
