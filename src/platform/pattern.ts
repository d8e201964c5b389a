import { RE2JS } from 're2js'

import { type Result, failure, success } from '../core/base/result.ts'
import type { Matches } from '../core/filter/filter.ts'

/**
 * Compiles a regular expression of RE2 syntax; its running time is linear in the text, whatever the pattern. The dot
 * does not match a newline, which names may hold. PATTERN_UNSAFE where the pattern is not RE2 (look-around, back
 * references, syntax errors, counts above 1000).
 */
export function compilePattern(pattern: string): Result<Matches> {
  try {
    const compiled = RE2JS.compile(pattern)
    return success((text) => compiled.test(text))
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    return failure('PATTERN_UNSAFE', `cannot use the pattern ${JSON.stringify(pattern)}: ${reason}`)
  }
}
