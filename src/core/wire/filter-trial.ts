import { z } from 'zod'

/**
 * A filter is tried on a folder of a host, before any policy has it: the agent goes through the folder as detection would
 * and says what passes and what does not. Nothing is written down, and nothing moves.
 */

const requestId = z.string().min(1).max(128)
/** Of a path that is asked for or shown; a longer one is counted, not shown. */
export const TRIAL_PATH_BYTES_MAX = 4096

/** A path, as one character a byte. */
const bytes = z.string().max(TRIAL_PATH_BYTES_MAX)
const patterns = z.array(z.string().max(1000)).max(100)
const count = z.number().int().min(0)

/** Paths of each part that are shown. */
export const TRIAL_SAMPLE_MAX = 100

/** The master asks. */
export const tryFilter = z.object({
  type: z.literal('tryFilter'),
  requestId,
  path: bytes,
  include: patterns,
  exclude: patterns,
})

const part = z.object({
  files: count,
  /** What lies in a folder that does not pass is not looked at, and not counted. */
  folders: count,
  bytes: count,
  /** The first ones; a folder ends with a slash. */
  sample: z.array(bytes).max(TRIAL_SAMPLE_MAX),
})

/** What was found; `isWhole` is false where the time was up before everything was seen. */
const filterTrial = z.object({ passes: part, leftOut: part, isWhole: z.boolean() })

/** The agent answers; nothing where there is an error. */
export const filterTried = z.object({
  type: z.literal('filterTried'),
  requestId,
  trial: filterTrial.nullable(),
  error: z.object({ code: z.string().max(128), message: z.string().max(4096) }).nullable(),
})

export type FilterTrial = z.infer<typeof filterTrial>
export type TrialPart = z.infer<typeof part>
