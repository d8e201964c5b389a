import { rsyncDifferences } from '../../test/e2e/rsync.ts'
import type { Convergence, Fleet, FleetAgent } from '../fleet/fleet.ts'
import { waitFor } from '../fleet/wait.ts'

/** The agent has to take in what its queue holds, and may have to find its master again. */
const TELL_MS = 120_000

export interface Watched {
  readonly agent: FleetAgent
  readonly policyId: string
  readonly source: string
  readonly target: string
}

/** Makes changes while the source's agent is stopped, lets it go on, and gives the reason of the gap that it told. */
export async function changeUnseen(
  fleet: Fleet,
  { agent, policyId }: Watched,
  act: () => void,
): Promise<string> {
  process.kill(agent.process.pid, 'SIGSTOP')
  try {
    act()
  } finally {
    process.kill(agent.process.pid, 'SIGCONT')
  }
  const isTold = async () => {
    const read = `/policies/${policyId}/convergence`
    const { sources } = await fleet.api.get<Convergence>(read)
    return sources[0]?.gaps[0]?.reason ?? null
  }
  return waitFor('the gap to be told', isTold, TELL_MS)
}

/** Waits until everything is said to have arrived; gives what differs nevertheless. */
export async function differencesAfter(
  fleet: Fleet,
  { policyId, source, target }: Watched,
  timeoutMs: number,
): Promise<string[]> {
  await fleet.converged(policyId, timeoutMs)
  return rsyncDifferences(source, target)
}
