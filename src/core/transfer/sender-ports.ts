import type { OutboundSource } from '../apply/outbound.ts'
import type { Hasher } from '../apply/target-tree.ts'
import type { Result } from '../base/result.ts'
import type { JobNode } from '../wire/control.ts'
import type { Frame } from '../wire/frame.ts'
import type { BlockCodec } from './block-codec.ts'
import type { DeltaDesk } from './delta-desk.ts'

/** What the sender needs of the world. */
export interface SenderPorts {
  readonly source: OutboundSource
  readonly codec: BlockCodec
  newHasher(): Hasher
  /** Where what was computed for one target serves the others. */
  readonly deltas: DeltaDesk
  /** Signs with the key of the source's agent. */
  sign(statement: Uint8Array): Uint8Array
  /** Where sets are to be smaller than they may be. */
  readonly setEntriesMax?: number
}

/** Everything one target lacks of one source, up to `to`. */
export interface SenderJob {
  readonly jobId: string
  readonly sourceId: string
  readonly epoch: string
  readonly to: number
  readonly bindingId: string
  readonly ticket: string
  /** `patch`: only the changes of large files; `copy`: files whole. */
  readonly method: 'copy' | 'patch'
  /** The level at which the sender itself packs; what it leaves plain may be packed behind it. */
  readonly compression: number
  /** The level at which blocks arrive. */
  readonly hopCompression: number
  readonly children: readonly JobNode[]
}

/**
 * What the sender has for its caller: a frame to send, whose bytes are valid until the next step; `busy`, it worked and
 * wants to go on, so the caller may look after others first; `waiting`, only a frame of the peer brings it on; `later`,
 * its journal has no more at the moment, so the caller may ask again after a while.
 */
export type SenderStep =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'busy' }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'later' }

/** A part of the sender that suspends at every step. */
export type Steps<T> = Generator<SenderStep, T>

export const BUSY: SenderStep = { kind: 'busy' }
export const WAITING: SenderStep = { kind: 'waiting' }
export const LATER: SenderStep = { kind: 'later' }

export function send(frame: Frame): SenderStep {
  return { kind: 'frame', frame }
}

/** How a job ended for one target. */
export type SenderOutcome = Result<{ readonly appliedCount: number; readonly failedCount: number }>
