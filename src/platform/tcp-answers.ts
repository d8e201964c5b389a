import { addressOf, linux } from './libc.ts'

const IPPROTO_TCP = 6
const TCP_INFO = 11
/** In the kernel's `struct tcp_info`, whose beginning never changes. */
const UNACKED_AT = 24
const DATA_AT = 52
const HEARD_AT = 56
const INFO_BYTES = 104

/** What the other host's kernel has said, whatever its programs do. */
export interface TcpAnswers {
  /** Something was sent of which it has not taken note yet. */
  readonly isWaiting: boolean
  /** How long ago it last said anything. */
  readonly heardMs: number
}

const info = new Uint32Array(INFO_BYTES / 4)
const infoBytes = new Uint8Array(info.buffer)
const length = new Uint32Array(1)
const lengthBytes = new Uint8Array(length.buffer)

/** Asks the kernel about a TCP connection; null where it does not tell. */
export function tcpAnswers(descriptor: number): TcpAnswers | null {
  if (process.platform !== 'linux') return null
  const { call, numbers } = linux()
  length[0] = INFO_BYTES
  const asked = [IPPROTO_TCP, TCP_INFO, addressOf(infoBytes), addressOf(lengthBytes)] as const
  if (call(numbers.getsockopt, descriptor, ...asked, 0) !== 0) return null
  const [dataMs, heardMs] = [info[DATA_AT / 4], info[HEARD_AT / 4]]
  if (heardMs === undefined || (length[0] ?? 0) < HEARD_AT + 4) return null
  // Data that takes note of nothing new does not count as an answer to the kernel.
  const lastMs = Math.min(heardMs, dataMs ?? heardMs)
  return { isWaiting: (info[UNACKED_AT / 4] ?? 0) > 0, heardMs: lastMs }
}
