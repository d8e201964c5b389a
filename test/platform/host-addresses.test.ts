import { expect, test } from 'bun:test'
import { isIP } from 'node:net'

import { interfaceAddresses, localAddressTowards } from '../../src/platform/host-addresses.ts'

test.each([
  ['an address', '127.0.0.1', '127.0.0.1'],
  ['a name that nobody has', 'no-such-host.invalid', null],
])('the own address towards %s', async (_what, host, expected) => {
  expect(await localAddressTowards(host, 7401)).toBe(expected)
})

test('brackets of a URL are no part of an address', async () => {
  expect(await localAddressTowards('[::1]', 7401)).toBe(await localAddressTowards('::1', 7401))
})

test('the addresses of the interfaces are addresses, loopback after all that others can reach', () => {
  const addresses = interfaceAddresses()
  expect(addresses.every((address) => isIP(address) > 0)).toBe(true)
  const isLoopback = addresses.map((address) => address === '::1' || address.startsWith('127.'))
  expect(isLoopback).toEqual(isLoopback.toSorted((left, right) => Number(left) - Number(right)))
})
