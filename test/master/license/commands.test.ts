import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { installRequestCommand } from '../../../src/master/license/commands/install-request.ts'
import { licenseCommands } from '../../../src/master/license/commands/license.ts'
import type { WithMasterData } from '../../../src/master/license/commands/master-data.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { runCaptured } from '../../platform/cli.fixture.ts'
import { LicenseWorld, type TestAuthority, type TestMaster } from './license.fixture.ts'

const world = new LicenseWorld()
const root = mkdtempSync(join(tmpdir(), 'cd-commands-'))
afterAll(async () => {
  await world.close()
  rmSync(root, { recursive: true, force: true })
})

let authority: TestAuthority
let master: TestMaster
let siteId: string
const file = (name: string, text?: string) => {
  if (text !== undefined) writeFileSync(join(root, name), text)
  return join(root, name)
}

beforeAll(async () => {
  // The commands use the clock of the host.
  authority = await world.authority(systemClock.nowMs())
  master = await world.master(authority)
  siteId = await authority.register()
})

async function run(argv: readonly string[], stdin = '') {
  const withData: WithMasterData = (_, work) => work(master.data)
  const commands = [installRequestCommand(withData), ...licenseCommands(withData)]
  const program = { name: 'cd-master', version: '1.0.0', summary: 'A master.', commands }
  return await runCaptured(program, argv, { stdin })
}

describe('the way to a licence', () => {
  test('without one', async () => {
    expect(await run(['license', 'show', '--dir', root])).toEqual({
      status: 3,
      stdout: 'licence missing: both licence files are missing [LICENSE_MISSING]\n',
      stderr: '',
    })
  })

  test('the request, to a file or to standard output', async () => {
    const out = join(root, 'request.jwt')
    expect(await run(['install-request', '--dir', root, '--out', out])).toMatchObject({
      status: 0,
      stdout: `request of the installation "${master.data.installationId}" written to "${out}"\n`,
    })
    expect(readFileSync(out, 'utf8')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const { stdout } = await run(['install-request', '--dir', root, '--out', '-'])
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  })

  test('a file that is none', async () => {
    const rubbish = file('rubbish.jwt', 'hello')
    expect(await run(['license', 'add', '--dir', root, rubbish])).toEqual({
      status: 3,
      stdout: '',
      stderr: `cd-master: cannot add the licence file "${rubbish}": it is no licence file [LICENSE_INVALID]\n`,
    })
    expect((await run(['license', 'show', '--dir', root])).stdout).toStartWith('licence invalid: ')
    const binary = file('binary.jwt', '\u00ff')
    writeFileSync(binary, Buffer.from([0xff, 0xfe]))
    expect(await run(['license', 'add', '--dir', root, binary])).toMatchObject({
      status: 1,
      stderr: `cd-master: cannot read "${binary}": it is no text [FILE_UNREADABLE]\n`,
    })
  })

  test('one file from standard input, then the other', async () => {
    const request = readFileSync(join(root, 'request.jwt'), 'utf8')
    const files = await authority.files(siteId, request)
    expect(await run(['license', 'add', '--dir', root, '-'], `${files.site}\n`)).toEqual({
      status: 0,
      stdout: 'licence missing: the Install License File is missing [LICENSE_MISSING]\n',
      stderr: '',
    })
    const install = file('install.jwt', files.install)
    const { status, stdout } = await run(['license', 'add', '--dir', root, install])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^licence valid until \S+Z\nused 0 of 2 regions, 0 of 3 groups, 0 of 4 cas, 0 of 5 cms\n$/) // prettier-ignore
  })

  test('as JSON', async () => {
    const { status, stdout } = await run(['license', 'show', '--dir', root, '--json'])
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ state: 'valid', siteId, company: 'Company' })
  })
})

describe('trust', () => {
  test('list, add, list', async () => {
    const before = JSON.parse((await run(['license', 'trust', 'list', '--dir', root, '--json'])).stdout) // prettier-ignore
    expect(before).toHaveLength(1)
    const second = await world.authority()
    const key = file('second.jwk', second.publicKey)
    const added = await run(['license', 'trust', 'add', '--dir', root, key, '--json'])
    const { keyThumbprint } = JSON.parse(added.stdout)
    const after = await run(['license', 'trust', 'list', '--dir', root])
    expect(after.stdout.trimEnd().split('\n')).toHaveLength(2)
    expect(after.stdout).toContain(keyThumbprint)
  })

  test('what is no key is refused', async () => {
    const key = file('wrong.jwk', '{}')
    expect(await run(['license', 'trust', 'add', '--dir', root, key])).toMatchObject({
      status: 1,
      stderr: `cd-master: cannot read the key "${key}": it is no Ed25519 public key in JWK form [FILE_UNREADABLE]\n`,
    })
  })

  test('remove comes later', async () => {
    expect(await run(['license', 'trust', 'remove', '--dir', root, 'x'])).toMatchObject({
      status: 1,
      stderr:
        'cd-master: cannot remove a trusted key: this comes with a later version [NOT_IMPLEMENTED]\n',
    })
  })
})
