import { FFIType, dlopen, ptr } from 'bun:ffi'
import { afterEach, describe, expect, test } from 'bun:test'

import type { Socket } from 'bun'

import { DEAD_LINK_MS, isKernelSince, watchLink } from '../../src/platform/dead-link.ts'

test.each([
  ['6.1.0-13-amd64', true],
  ['5.11.0', true],
  ['5.10.205-1', false],
  ['4.18.0-553.el8_10.x86_64', false],
  ['6-custom', true],
  ['unknown', false],
])('Linux %s can tell a slow peer from a dead link: %p', (release, expected) => {
  expect(isKernelSince(release, [5, 11])).toBe(expected)
})

describe('a connection', () => {
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  test('gives a dead link up after a while', async () => {
    const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => {} } })
    ends.push(() => listener.stop(true))
    const { port } = listener
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data: () => {} } })
    ends.push(() => socket.end())
    expect(optionOf(socket, USER_TIMEOUT)).toBe(0)
    expect(watchLink(socket)).toBe(true)
    expect(optionOf(socket, USER_TIMEOUT)).toBe(DEAD_LINK_MS)
    expect([KEEP_IDLE, KEEP_INTERVAL, KEEP_COUNT].map((one) => optionOf(socket, one))).toEqual([
      3, 1, 10,
    ])
  })
})

const [USER_TIMEOUT, KEEP_IDLE, KEEP_INTERVAL, KEEP_COUNT] = [18, 4, 5, 6]

function optionOf(socket: Socket, option: number): number {
  const { getsockopt } = dlopen('libc.so.6', {
    getsockopt: {
      args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
      returns: FFIType.i32,
    },
  }).symbols
  const [value, length] = [new Uint32Array(1), Uint32Array.of(4)]
  const descriptor = 'fd' in socket && typeof socket.fd === 'number' ? socket.fd : -1
  expect(getsockopt(descriptor, 6, option, ptr(value), ptr(length))).toBe(0)
  return value[0] ?? -1
}
