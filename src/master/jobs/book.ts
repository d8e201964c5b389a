import { plan } from '../../core/plan/planner.ts'
import type { PlannedJob } from '../../core/plan/state.ts'
import { type DistributionTree, waysOf } from '../../core/route/tree.ts'
import type { MasterContext, RouteQuestion } from '../context.ts'
import { foreseenRoutes } from './foreseen-routes.ts'
import { jobMessage } from './instruct.ts'
import { loadPolicy, policyIds } from './load.ts'
import { takeFromLost } from './lost.ts'
import { planState } from './plan-state.ts'
import { relayedHops, routeOf, sameRoute } from './route.ts'
import { type JobRuntime, type PolicyRuntime, senderOf } from './runtime.ts'
import { startJob } from './start.ts'
import { cancelTargets, runsOf } from './targets.ts'
import { type Topology, readTopology } from './topology.ts'
import { nextLookMs, watchJobs } from './watch.ts'
import type { Work } from './work.ts'

type BookContext = Pick<MasterContext, 'database' | 'authority' | 'license' | 'fleet'>

/** After so many streams of one job that did not reach a target, it gets one of its own. */
const CUT_OFFS_MAX = 3

interface Instruction {
  readonly policy: PolicyRuntime
  readonly job: JobRuntime
  readonly sourceId: string
  readonly holderId: string | null
  readonly runId: string
  readonly tree: DistributionTree
}

/** What is known of all policies, and what follows from it. */
export class JobBook {
  readonly policies = new Map<string, PolicyRuntime>()
  readonly #context: BookContext
  readonly #wakeAtMs = new Map<string, number>()
  #topology: Topology = { places: new Map(), hopRules: [] }

  constructor(context: BookContext) {
    this.#context = context
  }

  /** When something is due without anything happening; null for never. */
  get nextWakeMs(): number | null {
    return this.#wakeAtMs.size === 0 ? null : Math.min(...this.#wakeAtMs.values())
  }

  /** Reads policies anew from the database, and what no longer may run is stopped. */
  async reload(work: Work, which: readonly string[] | 'all'): Promise<void> {
    const { read } = this.#context.database
    const ids = which === 'all' ? await policyIds(read) : which
    const loaded: PolicyRuntime[] = []
    for (const id of ids) {
      const policy = await loadPolicy(read, id)
      if (policy !== null) loaded.push(policy)
    }
    const { hopRules } = this.#topology
    this.#topology = await readTopology(read)
    const old = which === 'all' ? [...this.policies.keys()] : which
    const before = new Map(old.map((id) => [id, this.policies.get(id)]))
    for (const id of old) this.policies.delete(id)
    for (const policy of loaded) this.#adopt(work, { policy, before: before.get(policy.policyId) })
    for (const gone of before.values()) if (gone !== undefined) this.#cancelOrphans(work, gone)
    this.stopWhatMayNotRun(work)
    const isNew = !Bun.deepEquals(hopRules, this.#topology.hopRules)
    for (const policy of this.policies.values()) {
      const rules = before.get(policy.policyId)?.rules
      if (isNew || (rules !== undefined && !Bun.deepEquals(rules, policy.rules)))
        this.#tellHops(work, policy)
    }
  }

  /** Hops have other options: the agents that carry running jobs or pass them on are told, because a rate holds at once. */
  #tellHops(work: Work, policy: PolicyRuntime): void {
    for (const job of policy.jobs.values()) {
      const running = [...job.targets.values()].filter((target) => target.state === 'running')
      const senders = new Set(running.map((target) => senderOf(policy, target)?.serverId))
      for (const serverId of senders)
        if (serverId !== undefined) this.instructAgain(work, { policy, job, serverId })
      for (const [runId, targets] of Map.groupBy(running, (t) => t.runId ?? job.jobId))
        for (const [serverId, hops] of relayedHops({ topology: this.#topology, policy }, targets))
          work.instruct(serverId, { type: 'hops', jobId: runId, hops })
    }
  }

  /** The trees by which a policy's content would go now, from each source and from whoever serves in its stead. */
  routes(
    policyId: string,
    question: RouteQuestion & { readonly nowMs: number },
  ): DistributionTree[] {
    const policy = this.policies.get(policyId)
    if (policy === undefined) return []
    const figuresOf = (serverId: string) => this.#context.fleet.healthOf(serverId)
    return foreseenRoutes({ ...question, topology: this.#topology, policy, figuresOf })
  }

  /** Starts what the planner decides for every policy that something happened to. */
  planDirty(work: Work): void {
    for (const policyId of work.dirty) {
      const policy = this.policies.get(policyId)
      if (policy === undefined) continue
      const now = { nowMs: work.nowMs, licensed: this.#isLicensed() }
      let state = planState(policy, this.#topology, now)
      if (takeFromLost(work, policy, state)) state = planState(policy, this.#topology, now)
      const decided = plan(state)
      for (const planned of decided.jobs) this.#start(work, policy, planned)
      const wakeAtMs = nextLookMs(policy, decided.wakeAtMs, work.nowMs)
      if (wakeAtMs === null) this.#wakeAtMs.delete(policyId)
      else this.#wakeAtMs.set(policyId, wakeAtMs)
    }
  }

  /** Looks at the policies for which something is due. */
  wake(work: Work): void {
    for (const [policyId, atMs] of this.#wakeAtMs) {
      if (atMs > work.nowMs) continue
      this.#wakeAtMs.delete(policyId)
      const policy = this.policies.get(policyId)
      if (policy === undefined) continue
      work.dirty.add(policyId)
      for (const { job, serverId } of watchJobs(work, policy)) {
        this.instructAgain(work, { policy, job, serverId })
      }
    }
  }

  /** Sends a running job again to the agent that carries it: it may never have heard of it, or have forgotten. */
  instructAgain(
    work: Work,
    order: { policy: PolicyRuntime; job: JobRuntime; serverId: string },
  ): void {
    const { policy, job, serverId } = order
    const running = [...job.targets.values()].filter(
      (target) => target.state === 'running' && senderOf(policy, target)?.serverId === serverId,
    )
    for (const target of running) target.heardAtMs = work.nowMs
    const runs = Map.groupBy(running, (t) => `${t.sourceId} ${t.runId ?? job.jobId}`)
    for (const targets of runs.values()) {
      const [first] = targets
      if (first === undefined) continue
      const { sourceId, runId, way } = first
      const tree = sameRoute({ topology: this.#topology, policy }, targets)
      const run = { sourceId, holderId: way.holderId, runId: runId ?? job.jobId }
      this.#instruct(work, { policy, job, ...run, tree })
    }
  }

  /** Ends what runs where a policy is paused or there is no licence, and has all planned again. */
  stopWhatMayNotRun(work: Work): void {
    const licensed = this.#isLicensed()
    for (const policy of this.policies.values()) {
      work.dirty.add(policy.policyId)
      if (licensed && policy.plan.enabled) continue
      const message = licensed ? 'the policy was paused' : 'there is no valid licence'
      for (const job of policy.jobs.values()) {
        const running = [...job.targets.values()].filter((target) => target.state === 'running')
        cancelTargets(work, { policy, job }, { targets: running, message })
      }
    }
  }

  #start(work: Work, policy: PolicyRuntime, planned: PlannedJob): void {
    const { sourceId, holderId, bindingIds } = planned
    const targets = policy.jobs.get(planned.jobId ?? '')?.targets
    const dropped = new Set(
      bindingIds.filter((id) => (targets?.get(id)?.cutOffs ?? 0) > CUT_OFFS_MAX),
    )
    const { nowMs } = work
    const figuresOf = (serverId: string) => this.#context.fleet.healthOf(serverId)
    const order = { topology: this.#topology, policy, bindingIds, nowMs, dropped, figuresOf }
    const tree = routeOf({ ...order, sourceId, holderId })
    const started = startJob(work, { policy, planned, ways: waysOf(tree, holderId) })
    this.#instruct(work, { policy, ...started, sourceId, holderId, tree })
  }

  #instruct(work: Work, order: Instruction): void {
    const { policy, job, sourceId, holderId, runId, tree } = order
    if (tree.sourceServerId === '' || tree.children.length === 0) return
    const { publicKey } = this.#topology.places.get(tree.sourceServerId) ?? { publicKey: null }
    const holder = holderId === null ? null : { bindingId: holderId, publicKey: publicKey ?? '' }
    const { tickets } = this.#context.authority
    const { nowMs } = work
    const run = { tree, policy, job, sourceId, holder, runId }
    work.instruct(tree.sourceServerId, () => jobMessage({ ...run, tickets, nowMs }))
  }

  /** Takes over what only memory knows: who is connected, and what was tried. */
  #adopt(work: Work, order: { policy: PolicyRuntime; before: PolicyRuntime | undefined }): void {
    const { policy, before } = order
    const { fleet } = this.#context
    for (const source of policy.sources.values()) {
      source.connected = fleet.isConnected(source.serverId)
      const awaySinceMs = before?.sources.get(source.sourceId)?.awaySinceMs ?? work.nowMs
      source.awaySinceMs = source.connected ? null : awaySinceMs
      source.recentBytes = before?.sources.get(source.sourceId)?.recentBytes ?? source.recentBytes
    }
    for (const binding of policy.bindings.values()) {
      const old = before?.bindings.get(binding.bindingId)
      binding.connected = fleet.isConnected(binding.serverId)
      binding.awaySinceMs = binding.connected ? null : (old?.awaySinceMs ?? work.nowMs)
      binding.reported = old?.reported ?? false
      binding.awaitedSinceMs = old?.awaitedSinceMs ?? work.nowMs
      binding.broken = old?.broken ?? null
      binding.lostWays = old?.lostWays ?? new Map()
      binding.watermarkTold = old?.watermarkTold ?? false
      // A changed policy may have removed the cause of what failed.
      binding.lastTry = before?.version === policy.version ? (old?.lastTry ?? null) : null
    }
    this.policies.set(policy.policyId, policy)
    work.dirty.add(policy.policyId)
    for (const job of policy.jobs.values()) this.#adoptJob(work, { policy, job, before })
  }

  #adoptJob(
    work: Work,
    order: { policy: PolicyRuntime; job: JobRuntime; before: PolicyRuntime | undefined },
  ): void {
    const { policy, job, before } = order
    const old = before?.jobs.get(job.jobId)
    job.isResolving = old?.isResolving ?? false
    for (const [bindingId, target] of job.targets) {
      target.heardAtMs = old?.targets.get(bindingId)?.heardAtMs ?? work.nowMs
      target.reachedAtMs = old?.targets.get(bindingId)?.reachedAtMs ?? null
      target.endedAs = old?.targets.get(bindingId)?.endedAs ?? null
      target.cutOffs = old?.targets.get(bindingId)?.cutOffs ?? 0
      target.progress = old?.targets.get(bindingId)?.progress ?? null
      target.awaits = old?.targets.get(bindingId)?.awaits ?? null
    }
    const strays = [...job.targets.values()].filter((t) => !policy.bindings.has(t.bindingId))
    const message = 'the target does not belong to the policy any more'
    cancelTargets(work, { policy, job }, { targets: strays, message })
  }

  /** The jobs of a policy that was deleted are not in the database any more, but still at the agents. */
  #cancelOrphans(work: Work, old: PolicyRuntime): void {
    if (this.policies.has(old.policyId)) return
    this.#wakeAtMs.delete(old.policyId)
    const reason = { code: 'CANCELLED', message: 'the policy was deleted' }
    for (const { serverId, runId } of [...old.jobs.values()].flatMap((job) =>
      runsOf(old, job.targets.values()),
    )) {
      work.instruct(serverId, { type: 'cancelJob', jobId: runId, reason })
    }
  }

  #isLicensed(): boolean {
    const { state } = this.#context.license.current()
    return state === 'valid' || state === 'grace'
  }
}
