import { AppError, ERRORS, type ErrorCode } from '../../core/base/errors.ts'
import type { AgentMessageOf } from '../../core/wire/control.ts'

export type Answer = AgentMessageOf<'filesListed' | 'flushed' | 'holdResolved' | 'filterTried'>

const TIMEOUT_MS = 15_000
/** Questions to one agent at a time. */
const WAITING_MAX = 100

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: AppError) => void
  readonly timer: ReturnType<typeof setTimeout>
}

/** Questions to one agent that are not answered yet. */
export class PendingRequests {
  readonly #waiting = new Map<string, Waiting>()

  /** Sends a question under a new id and waits for its answer; PEER_UNREACHABLE, or the code of the agent's error. */
  async ask(send: (requestId: string) => boolean): Promise<Answer> {
    const requestId = crypto.randomUUID()
    if (this.#waiting.size >= WAITING_MAX || !send(requestId)) {
      throw new AppError('PEER_UNREACHABLE', 'cannot ask the agent: it does not keep up')
    }
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(requestId)
        const seconds = TIMEOUT_MS / 1000
        reject(new AppError('PEER_UNREACHABLE', `the agent gave no answer within ${seconds} s`))
      }, TIMEOUT_MS)
      this.#waiting.set(requestId, { resolve, reject, timer })
    })
  }

  /** Hands an answer to whoever asked; one that nobody waits for is dropped. */
  answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.requestId)
    if (waiting === undefined) return
    this.#waiting.delete(answer.requestId)
    clearTimeout(waiting.timer)
    if (answer.error === null) return waiting.resolve(answer)
    const { code, message } = answer.error
    waiting.reject(new AppError(isErrorCode(code) ? code : 'FORBIDDEN', message))
  }

  /** The connection is gone. */
  close(): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new AppError('PEER_UNREACHABLE', 'the agent was disconnected before it answered'))
    }
    this.#waiting.clear()
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code)
}
