import { count } from './format.ts'
import { toneOf, wordOf } from './status.tsx'

const ORDER = ['failed', 'held', 'behind', 'running', 'unknown', 'queued', 'waiting', 'converged']

/** How many of each state, as one bar with the worst first; its words are read out and shown on hover. */
export const StateBar = ({ counts }: { counts: Readonly<Record<string, number>> }) => {
  const parts = Object.entries(counts)
    .filter(([, amount]) => amount > 0)
    .sort(([a], [b]) => rankOf(a) - rankOf(b))
  const total = parts.reduce((sum, [, amount]) => sum + amount, 0)
  const words = parts.map(([state, amount]) => `${count(amount)} ${wordOf(state).toLowerCase()}`)
  let start = 0
  return (
    <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img">
      <title>{words.join(', ') || 'nothing'}</title>
      {parts.map(([state, amount]) => {
        const x = start
        const width = (amount / total) * 100
        start += width
        return <rect class={`tone-${toneOf(state)}`} x={x} y="0" width={width} height="8" />
      })}
    </svg>
  )
}

function rankOf(state: string): number {
  const rank = ORDER.indexOf(state)
  return rank < 0 ? ORDER.length : rank
}

/** How much of a limit is used; full where the limit is reached. */
export const UseBar = ({ used, limit }: { used: number; limit: number }) => {
  const share = limit === 0 ? 1 : Math.min(1, used / limit)
  const tone = share >= 1 ? 'warn' : share >= 0.8 ? 'busy' : 'good'
  return (
    <svg class={`bar tone-${tone}`} viewBox="0 0 100 8" preserveAspectRatio="none" role="img">
      <title>{`${count(used)} of ${count(limit)} used`}</title>
      <rect x="0" y="0" width={share * 100} height="8" />
    </svg>
  )
}
