import { expect, test } from 'bun:test'

import { RoutingTable } from '../../src/cas/routing-table.ts'

const near = { scope: 'group', host: '10.0.0.1', port: 1 }
const any = { scope: null, host: 'web', port: 2 }
const far = { scope: 'international', host: '203.0.113.1', port: 3 }

test('gives the addresses for the scope of a hop first, then those for any', () => {
  const table = new RoutingTable()
  table.replace(7, [{ serverId: 's', name: 'web', addresses: [far, any, near] }])
  expect(table.revision).toBe(7)
  expect(table.addressesOf('s', 'group')).toEqual([near, any, far])
  expect(table.addressesOf('s', 'international')).toEqual([far, any, near])
  expect(table.addressesOf('s', 'region')).toEqual([any, far, near])
})

test('a server that is not in it has no address and is called by its id', () => {
  const table = new RoutingTable()
  table.replace(1, [{ serverId: 's', name: 'web', addresses: [any] }])
  table.replace(2, [])
  expect(table.addressesOf('s', 'group')).toBeNull()
  expect(table.nameOf('s')).toBe('s')
})

test('a server without addresses is reached by the port that leads to it, and one that is no peer by none', () => {
  const table = new RoutingTable()
  table.replace(1, [
    { serverId: 's', name: 'web', addresses: [] },
    { serverId: 't', name: 'db', addresses: [any] },
  ])
  expect(table.addressesOf('s', 'group')).toEqual([])
  table.replaceWays(
    new Map([
      ['s', 9],
      ['t', 9],
      ['u', 9],
    ]),
  )
  expect(table.addressesOf('s', 'group')).toEqual([{ scope: null, host: '127.0.0.1', port: 9 }])
  expect(table.addressesOf('t', 'group')).toEqual([any])
  expect(table.addressesOf('u', 'group')).toBeNull()
  table.replaceWays(new Map())
  expect(table.addressesOf('s', 'group')).toEqual([])
})
