import { z } from 'zod'

import { ERRORS, type ErrorCode } from '../base/errors.ts'
import { PARTIAL_FILES_MAX, SET_ENTRIES_MAX } from '../base/limits.ts'
import type { ContentHash } from '../change/entry.ts'
import { jobNode } from './control.ts'

/** The frames that come once per job or set travel as JSON; a receiver ignores fields that it does not know. */
const id = z.string().min(1).max(64)
const seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const count = z.number().int().min(0)
const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as ContentHash)
const position = z.object({ epoch: id, seq })
const message = z.string().max(2000)

/** A code of a newer peer that is not known here reads as PROTOCOL. */
const code = z
  .string()
  .max(64)
  .transform((text): ErrorCode => (Object.hasOwn(ERRORS, text) ? (text as ErrorCode) : 'PROTOCOL'))

export const helloMessage = z.object({
  protocol: z.number().int().min(1),
  agentVersion: z.string().max(64),
})

/** Opens the stream of one job to one binding of the receiver. */
export const openMessage = z.object({
  jobId: id,
  ticket: z.string().max(8000),
  bindingId: id,
  sourceId: id,
  epoch: id,
  to: seq,
  /** The level at which the blocks of this hop are compressed. */
  compression: z.number().int().min(0).max(9),
  /** The hops below the receiver: whom it passes the sets on to. */
  children: z.array(jobNode).max(1000),
  /** True where the sender passes on what comes to it whole: what was kept of broken off files is not asked for. */
  isPassedOn: z.boolean().optional(),
})

export const openedMessage = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('accepted'),
    watermark: position.nullable(),
    /** See `TargetPosition.listed`. */
    listed: position.nullish(),
    /** The lowest pending seqs, rising; the others follow with the next job. */
    pending: z.array(seq).max(SET_ENTRIES_MAX),
    /**
     * `push`: content of files that were never hashed may come without being asked for. `ask`: there is content here
     * that may be the same, so every file is hashed first and sent only where wanted.
     */
    content: z.enum(['push', 'ask']),
    /** Files that were broken off, as far as they are here: their content may go on with `fileRest`. */
    kept: z
      .array(z.object({ seq, bytes: count.min(1), hash }))
      .max(PARTIAL_FILES_MAX)
      .optional(),
  }),
  z.object({ outcome: z.literal('refused'), code, message }),
])

/** The receipt of one set: what is durably applied. */
export const doneMessage = z.object({
  watermark: position.nullable(),
  pendingCount: count,
  appliedCount: count,
  failedCount: count,
})

export const errorMessage = z.object({ code, message })

export type HelloMessage = z.infer<typeof helloMessage>
export type OpenMessage = z.infer<typeof openMessage>
export type OpenedMessage = z.infer<typeof openedMessage>
export type DoneMessage = z.infer<typeof doneMessage>
export type ErrorMessage = z.infer<typeof errorMessage>
