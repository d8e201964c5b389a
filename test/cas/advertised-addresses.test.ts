import { describe, expect, test } from 'bun:test'

import { parseAdvertised, reachableAddresses } from '../../src/cas/advertised-addresses.ts'

describe('--advertise', () => {
  test.each([
    ['web-1:7410', { scope: null, host: 'web-1', port: 7410 }],
    ['region=10.0.0.5:7410', { scope: 'region', host: '10.0.0.5', port: 7410 }],
    ['international=[2001:db8::1]:443', { scope: 'international', host: '2001:db8::1', port: 443 }],
    ['galaxy=10.0.0.5:7410', null],
    ['web-1', null],
    ['web-1:0', null],
    ['web-1:70000', null],
    ['=web-1:7410', null],
    ['', null],
  ])('%s', (text, expected) => expect(parseAdvertised(text)).toEqual(expected))
})

describe('where an agent is reached', () => {
  const known = {
    advertised: [],
    listen: { host: '0.0.0.0', port: 7410 },
    towardsMaster: '10.0.0.5',
    ofInterfaces: ['10.0.0.5', '192.168.1.5', 'fd00::5', '127.0.0.1'],
  }
  const hosts = (changes: Partial<Parameters<typeof reachableAddresses>[0]>) =>
    reachableAddresses({ ...known, ...changes }).map(({ host }) => host)

  test.each([
    [
      'any address: towards the master first, loopback last',
      {},
      ['10.0.0.5', '192.168.1.5', '127.0.0.1'],
    ],
    [
      'any address without a way to the master',
      { towardsMaster: null },
      ['10.0.0.5', '192.168.1.5', '127.0.0.1'],
    ],
    [
      'any address of both families',
      { listen: { host: '::', port: 1 } },
      ['10.0.0.5', '192.168.1.5', 'fd00::5', '127.0.0.1'],
    ],
    ['one address', { listen: { host: '127.0.0.1', port: 1 } }, ['127.0.0.1']],
    ['advertised', { advertised: [{ scope: null, host: 'web', port: 1 }] }, ['web']],
  ])('%s', (_what, changes, expected) => expect(hosts(changes)).toEqual(expected))

  test('never more than the master takes', () => {
    const ofInterfaces = Array.from({ length: 40 }, (_, index) => `10.0.1.${index}`)
    expect(hosts({ ofInterfaces })).toHaveLength(16)
  })
})
