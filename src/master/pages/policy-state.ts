import type { PolicyLine } from '../../../views/pages/overview.tsx'
import type { Convergence, ConvergenceState } from '../model.ts'

const WORST_FIRST: readonly ConvergenceState[] = [
  'failed',
  'held',
  'behind',
  'unknown',
  'waiting',
  'converged',
]

/** A policy in one word: in step as a whole, or the worst of its targets; a source that is away leaves it unknown. */
export function stateOfPolicy(convergence: Convergence): ConvergenceState {
  if (convergence.converged) return 'converged'
  const worst = WORST_FIRST.find((state) => convergence.targetCounts[state] > 0)
  return worst === undefined || worst === 'converged' ? 'unknown' : worst
}

/** A line of the overview. */
export function lineOf(convergence: Convergence, enabled: boolean): PolicyLine {
  return { ...convergence, enabled, state: stateOfPolicy(convergence) }
}
