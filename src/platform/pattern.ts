import { RE2JS, RE2Set } from 're2js'

import { FILTER_INSTRUCTIONS_MAX, FILTER_STATES_BYTES_MAX } from '../core/base/limits.ts'
import { type Result, failure, success } from '../core/base/result.ts'
import type { Matches } from '../core/filter/filter.ts'

/**
 * Compiles regular expressions of RE2 syntax to one machine that tells whether any of them occurs in a text; its running
 * time is linear in the text and its memory bounded, whatever the patterns. The dot does not match a newline, which
 * names may hold. PATTERN_UNSAFE where a pattern is not RE2 (look-around, back references, syntax errors, counts above
 * 1000) or all of them together are too large.
 */
export function compilePatterns(patterns: readonly string[]): Result<Matches> {
  if (patterns.length === 0) return success(() => false)
  const set = new RE2Set(RE2Set.UNANCHORED, 0, FILTER_STATES_BYTES_MAX)
  let instructions = 0
  for (const pattern of patterns) {
    const quoted = JSON.stringify(pattern.slice(0, SHOWN_MAX))
    try {
      instructions += RE2JS.compile(pattern).programSize()
      set.add(pattern)
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown)
      return failure('PATTERN_UNSAFE', `cannot use the pattern ${quoted}: ${reason}`)
    }
    if (instructions > FILTER_INSTRUCTIONS_MAX) return tooLarge(quoted, instructions)
  }
  set.compile()
  return success((text) => set.match(text).length > 0)
}

/** Of a pattern in a message. */
const SHOWN_MAX = 200

function tooLarge(quoted: string, instructions: number): Result<Matches> {
  const size = `${instructions} steps, at most ${FILTER_INSTRUCTIONS_MAX} may be compiled of one list`
  return failure(
    'PATTERN_UNSAFE',
    `cannot use the pattern ${quoted}: with it the patterns come to ${size}; counts like {500} repeat what they stand behind`,
  )
}
