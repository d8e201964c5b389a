import { SYSTEM_ACTOR } from '../../src/master/context.ts'
import type { Policy } from '../../src/master/model.ts'
import { getConvergence } from '../../src/master/use-cases/convergence.ts'
import { syncPolicyNow } from '../../src/master/use-cases/policy-actions.ts'
import { eventually } from './eventually.ts'
import { type AgentIdentity, ScriptedAgent, mustEnrol } from './scripted-agent.ts'
import {
  type TestMaster,
  makeGroups,
  makePolicy,
  makeToken,
  startTestMaster,
} from './test-master.ts'

type HelloFields =
  Parameters<typeof ScriptedAgent.connect> extends [string, AgentIdentity, ...infer Rest]
    ? Rest
    : never

/** A master with three enrolled hosts; the first is the source and the second the target of the policy `web`. */
export class Stage {
  master: TestMaster
  readonly #identities: readonly AgentIdentity[]
  #source: ScriptedAgent | null = null
  #target: ScriptedAgent | null = null

  private constructor(master: TestMaster, identities: readonly AgentIdentity[]) {
    this.master = master
    this.#identities = identities
  }

  /** All hosts stand in one group, but for those in `places`: each of these in a group, and the region `r-…`, of that name. */
  static async open(
    names: readonly string[] = ['source', 'target', 'other'],
    places: Readonly<Record<string, string>> = {},
  ): Promise<Stage> {
    const master = await startTestMaster()
    const groups = new Map<string, string>()
    for (const name of new Set(['a', ...Object.values(places)])) {
      const made = await makeGroups(master, [name])
      groups.set(name, made[name] ?? '')
    }
    const identities: AgentIdentity[] = []
    for (const name of names) {
      const groupId = groups.get(places[name] ?? 'a') ?? ''
      identities.push(await mustEnrol(master.url, await makeToken(master, groupId), name))
    }
    return new Stage(master, identities)
  }

  get source(): ScriptedAgent {
    if (this.#source === null) throw new Error('the source is not connected')
    return this.#source
  }

  set source(agent: ScriptedAgent) {
    this.#source = agent
  }

  get target(): ScriptedAgent {
    if (this.#target === null) throw new Error('the target is not connected')
    return this.#target
  }

  set target(agent: ScriptedAgent) {
    this.#target = agent
  }

  id(index: number): string {
    return this.#identities[index]?.serverId ?? ''
  }

  async connect(index: number, ...fields: HelloFields): Promise<ScriptedAgent> {
    const identity = this.#identities[index]
    if (identity === undefined) throw new Error('no such agent')
    return await ScriptedAgent.connect(this.master.url, identity, ...fields)
  }

  /** Makes the policy, connects both, and has both report: five changes, and nothing there yet. */
  async start(fields: Record<string, unknown> = {}): Promise<Policy> {
    const policy = await makePolicy(this.master, {
      source: this.id(0),
      targets: [this.id(1)],
      ...fields,
    })
    this.source = await this.connect(0)
    this.target = await this.connect(1)
    this.source.reportChanges(0, 5)
    this.source.reportSource(5)
    this.target.reportTarget(null)
    return policy
  }

  /** Lets the target have everything up to a seq, by the nth job. */
  async finish(nth: number, seq: number): Promise<void> {
    const job = await this.source.job(nth)
    this.target.reportTarget(seq)
    this.source.reportJob(job, 'done')
  }

  async converge(): Promise<void> {
    await eventually('convergence', async () => {
      return (await getConvergence(this.master.context, 'name:web')).converged
    })
  }

  /** Waits until the master knows that the target is gone, after its connection was closed. */
  async targetGone(): Promise<void> {
    await eventually('the target to be gone', () => !this.master.fleet.isConnected(this.id(1)))
  }

  /** A person asks for a run; the source answers the flush. */
  async sync(targets?: readonly string[]): Promise<{ jobId: string }> {
    const flushes = this.source.of('flush').length
    const order = { reference: 'name:web', targets }
    const answered = syncPolicyNow(this.master.context, SYSTEM_ACTOR, order)
    await eventually('the flush', () => this.source.of('flush').length > flushes)
    const { requestId = '' } = this.source.of('flush').at(-1) ?? {}
    this.source.send({ type: 'flushed', requestId, sources: [], error: null })
    return await answered
  }
}
