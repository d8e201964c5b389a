import { release } from 'node:os'

import type { Socket } from 'bun'

import { addressOf, linux } from './libc.ts'

/** What was sent and is not acknowledged for so long is on a link that is dead, whoever is at its other end. */
export const DEAD_LINK_MS = 5000

/** A connection on which nothing is said is asked after so long whether it lives: once a second, ten times. */
const SILENCE_MS = 3000

const IPPROTO_TCP = 6
const TCP_USER_TIMEOUT = 18

/** Before this, Linux takes a peer that is alive and reads nothing for one that is dead. */
const FIRST_KERNEL = [5, 11] as const

/**
 * Has the kernel end a connection whose peer has vanished without a word: within five seconds where something is on its way
 * there, within thirteen where nothing is. A peer that is merely slow is not concerned: its kernel answers. Gives false where
 * this system only finds the second kind.
 */
export function watchLink(socket: Pick<Socket<unknown>, 'setKeepAlive'>): boolean {
  socket.setKeepAlive(true, SILENCE_MS)
  if (process.platform !== 'linux' || !isKernelSince(release(), FIRST_KERNEL)) return false
  if (!('fd' in socket) || typeof socket.fd !== 'number' || socket.fd < 0) return false
  const { call, numbers } = linux()
  const value = new Uint8Array(Uint32Array.of(DEAD_LINK_MS).buffer)
  const { setsockopt } = numbers
  const place = [socket.fd, IPPROTO_TCP, TCP_USER_TIMEOUT] as const
  return call(setsockopt, ...place, addressOf(value), value.length, 0) === 0
}

/** Tells whether a kernel's release, such as `6.1.0-13-amd64`, is at least a version. */
export function isKernelSince(text: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = text.split(/[.-]/, 2).map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}
