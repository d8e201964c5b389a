import type { Failure } from '../../core/base/result.ts'
import type { AgentMessage, AgentMessageOf, MasterMessage } from '../../core/wire/control.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import { createTokenSigner, type TokenSubject } from './agent-token.ts'
import { backoffMs } from './backoff.ts'
import { checkGreeting, toFailure } from './greeting.ts'
import { createOutbox, type Subjects } from './outbox.ts'
import { openSession, type Session, SESSION_TIMES, type SessionTimes } from './session.ts'

export interface ControlClientOptions {
  /** Tried in turn. */
  readonly masters: readonly URL[]
  readonly subject: TokenSubject
  readonly authorityPem: string
  /** What this agent says of itself to the master it is about to reach. */
  readonly hello: (master: URL) => Promise<AgentMessageOf<'hello'>>
  /** Everything after the welcome, in order of arrival. */
  readonly onMessage: (message: MasterMessage) => void
  /** Told at every change of state. */
  readonly onState: (state: ControlState) => void
  readonly clock: Clock
  readonly log: Logger
  /** Gives 0 to 1. */
  readonly random: () => number
  readonly times?: SessionTimes
}

export type ControlState =
  | { readonly kind: 'connecting'; readonly lastError: Failure | null }
  | { readonly kind: 'connected'; readonly master: string; readonly sinceMs: number }
  /** The master wants nothing more of this agent, ever. */
  | { readonly kind: 'revoked'; readonly reason: Failure }
  | { readonly kind: 'stopped' }

/** Refusals that time alone does not heal are tried again at the slowest pace. */
const SLOW_ATTEMPT = 16
const PUMP_RETRY_MS = 20
const CLOCK_SKEW_WARN_MS = 30_000

/** Keeps one connection to a master, for ever, until it is stopped or this agent is revoked. */
export class ControlClient {
  readonly #options: ControlClientOptions
  readonly #outbox = createOutbox()
  readonly #stopping = new AbortController()
  readonly #sign: (nowMs: number) => Promise<string>
  #state: ControlState = { kind: 'connecting', lastError: null }
  /** The open socket, welcomed or not. */
  #socket: Session | null = null
  /** The same once the master has welcomed us. */
  #session: Session | null = null
  /** Whether the configuration of this connection is in force, so that what is sent fits it. */
  #isConfigured = false
  #attempt = 0
  #ended: Promise<void> = Promise.resolve()

  private constructor(options: ControlClientOptions, sign: (nowMs: number) => Promise<string>) {
    this.#options = options
    this.#sign = sign
  }

  /** Throws where the key cannot be used. Nothing is connected until `connect`. */
  static async create(options: ControlClientOptions): Promise<ControlClient> {
    return new ControlClient(options, await createTokenSigner(options.subject))
  }

  /** Begins to connect, once, and goes on for ever. */
  connect(): void {
    this.#ended = this.#run()
  }

  get state(): ControlState {
    return this.#state
  }

  /** The newest report on each source, target and job. */
  get reports(): readonly AgentMessage[] {
    return this.#outbox.reports()
  }

  /**
   * Sends now or as soon as possible. Reports are kept and said again on every connection; anything else is dropped, with
   * false, where there is no configured connection or too much waits already.
   */
  send(message: AgentMessage): boolean {
    const isReport = message.type.endsWith('Report')
    if (!isReport && !this.#isConfigured) return false
    const taken = this.#outbox.put(message)
    this.#pump()
    return taken
  }

  /** The first configuration of this connection is in force: from here on messages are sent. */
  configured(subjects: Subjects): void {
    this.#outbox.retain(subjects)
    if (this.#session === null || this.#isConfigured) return
    this.#isConfigured = true
    // Only now: a connection whose configuration fails every time must not be made anew without a pause.
    this.#attempt = 0
    this.#pump()
  }

  /** Ends this connection; the next one follows. For messages that come faster than they can be handled. */
  drop(why: string): void {
    this.#session?.close(why)
  }

  /** Says goodbye and ends. */
  async stop(reason: string): Promise<void> {
    this.#stopping.abort()
    if (this.#session?.writable()) this.#session.send({ type: 'goodbye', reason })
    this.#socket?.close(reason)
    await this.#ended
    if (this.#state.kind !== 'revoked') this.#enter({ kind: 'stopped' })
  }

  async #run(): Promise<void> {
    const { clock, masters, random } = this.#options
    const signal = this.#stopping.signal
    while (!signal.aborted) {
      for (const master of masters) {
        const failure = await this.#connect(master)
        if (failure.code === 'AGENT_REVOKED')
          return this.#enter({ kind: 'revoked', reason: failure })
        if (signal.aborted) return
        this.#enter({ kind: 'connecting', lastError: failure })
        this.#options.log.warn('no connection to the master', {
          master: master.href,
          error: failure,
        })
      }
      await clock.sleep(backoffMs(this.#attempt++, random), signal)
    }
  }

  /** One connection from its start to its end; gives why it ended. */
  async #connect(master: URL): Promise<Failure> {
    const { authorityPem, clock, hello, times = SESSION_TIMES } = this.#options
    try {
      const [token, greeting] = await Promise.all([this.#sign(clock.nowMs()), hello(master)])
      const conversation = this.#converse(master)
      const { onMessage } = conversation
      const { signal } = this.#stopping
      const session = await openSession({ master, token, authorityPem, times, onMessage, signal })
      conversation.begin(session)
      session.send(greeting)
      const timer = setTimeout(conversation.giveUp, times.openTimeoutMs)
      const why = await session.ended
      clearTimeout(timer)
      return conversation.refusal() ?? unreachable(master, why)
    } catch (thrown) {
      return unreachable(master, thrown instanceof Error ? thrown.message : String(thrown))
    } finally {
      this.#socket = null
      this.#session = null
      this.#isConfigured = false
    }
  }

  /** Reads the messages of one connection: the welcome first, then what the agent acts on. */
  #converse(master: URL) {
    let session: Session | null = null
    let refusal: Failure | null = null
    const refuse = (failure: Failure): void => {
      refusal = failure
      if (failure.code !== 'AGENT_REVOKED') this.#attempt = attemptAfter(failure, this.#attempt)
      session?.close(failure.code)
    }
    return {
      refusal: () => refusal,
      begin: (opened: Session) => {
        session = opened
        this.#socket = opened
        if (this.#stopping.signal.aborted) opened.close('stopping')
      },
      giveUp: () => {
        if (this.#session === null) session?.close('the master did not answer the hello')
      },
      onMessage: (message: MasterMessage) => {
        if (message.type === 'refused') return refuse(toFailure(message))
        if (refusal !== null || session === null) return
        if (this.#session !== null) return this.#options.onMessage(message)
        const nowMs = this.#options.clock.nowMs()
        const { serverId } = this.#options.subject
        const greeting = checkGreeting(message, { serverId, nowMs })
        if (!greeting.ok) return refuse(greeting.error)
        this.#welcomed({ master, session, clockAheadMs: greeting.value })
      },
    }
  }

  #welcomed(welcome: { master: URL; session: Session; clockAheadMs: number }): void {
    const { clock, log } = this.#options
    const master = welcome.master.href
    this.#outbox.restart()
    this.#session = welcome.session
    log.info('connected to the master', { master })
    if (Math.abs(welcome.clockAheadMs) > CLOCK_SKEW_WARN_MS)
      log.warn('the clocks of master and host differ', { masterAheadMs: welcome.clockAheadMs })
    this.#enter({ kind: 'connected', master, sinceMs: clock.nowMs() })
  }

  readonly #pump = (): void => {
    while (this.#session !== null && this.#isConfigured) {
      if (!this.#session.writable()) {
        // A WebSocket client gives no sign when it has room again.
        setTimeout(this.#pump, PUMP_RETRY_MS)
        return
      }
      const message = this.#outbox.next()
      if (message === null) return
      this.#session.send(message)
    }
  }

  #enter(state: ControlState): void {
    this.#state = state
    this.#options.onState(state)
  }
}

function attemptAfter(failure: Failure, attempt: number): number {
  const slow = failure.code === 'AGENT_UNKNOWN' || failure.code === 'INCOMPATIBLE'
  return slow ? SLOW_ATTEMPT : attempt
}

function unreachable(master: URL, why: string): Failure {
  return {
    code: 'MASTER_UNREACHABLE',
    message: `cannot reach the master at ${master.host}: ${why}`,
  }
}
