import { AppError } from '../../core/base/errors.ts'
import type { Failure } from '../../core/base/result.ts'
import { DATA_PROTOCOL, type Frame } from '../../core/wire/frame.ts'
import type { DataConnection } from '../../platform/data-connection.ts'
import { VERSION } from '../../platform/version.ts'

/** A connection on which frames come to whoever talks at the moment. */
export class Conversation {
  readonly connection: DataConnection
  #listener: ((frame: Frame) => void) | null = null
  #failure: Failure | null = null
  #change = Promise.withResolvers<void>()

  constructor(connection: DataConnection) {
    this.connection = connection
    connection.handle({
      frame: (frame) => this.#take(frame),
      closed: (failure) => {
        this.#failure ??= failure ?? { code: 'PEER_UNREACHABLE', message: 'the connection ended' }
        this.#wake()
      },
    })
  }

  /** Why it cannot go on, or null. */
  get failure(): Failure | null {
    return this.#failure
  }

  /** Hands frames to a listener from now on; null where none are due. */
  listen(listener: ((frame: Frame) => void) | null): void {
    this.#listener = listener
  }

  /** Resolves after the next frame, or when the connection is lost or the signal aborted. */
  async change(signal: AbortSignal): Promise<void> {
    if (this.#failure !== null || signal.aborted) return
    const wake = (): void => this.#wake()
    signal.addEventListener('abort', wake, { once: true })
    await this.#change.promise
    signal.removeEventListener('abort', wake)
  }

  /** Resolves when there is room for more frames, or the connection is lost or the signal aborted. */
  async room(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    const abort = (): void => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    if (!signal.aborted) await Promise.race([this.connection.room(), aborted.promise])
    signal.removeEventListener('abort', abort)
  }

  /** Ends it; the other side is told why, where there is something to tell. */
  close(failure: Failure | null): void {
    this.#failure ??= failure ?? { code: 'CANCELLED', message: 'closed on this side' }
    this.connection.close(failure)
    this.#wake()
  }

  #take(frame: Frame): void {
    if (this.#listener !== null) this.#listener(frame)
    else this.close(unexpected(frame))
    this.#wake()
  }

  #wake(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }
}

function unexpected(frame: Frame): Failure {
  if (frame.type === 'error') return frame.error
  return { code: 'PROTOCOL', message: `frame "${frame.type}" is not due` }
}

/** Says hello and waits for the answer, by which alone the other side has accepted this one's certificate. */
export async function greet(conversation: Conversation, signal: AbortSignal): Promise<void> {
  let theirs: Frame | null = null
  conversation.listen((frame) => {
    theirs ??= frame
  })
  conversation.connection.send({
    type: 'hello',
    hello: { protocol: DATA_PROTOCOL, agentVersion: VERSION },
  })
  while (theirs === null && conversation.failure === null && !signal.aborted)
    await conversation.change(signal)
  conversation.listen(null)
  const failure = signal.aborted ? CANCELLED : greetingFailure(theirs, conversation)
  if (failure === null) return
  conversation.close(null)
  throw new AppError(failure.code, failure.message)
}

const CANCELLED: Failure = { code: 'CANCELLED', message: 'cancelled' }

function greetingFailure(theirs: Frame | null, conversation: Conversation): Failure | null {
  if (theirs === null) return conversation.failure
  if (theirs.type !== 'hello') return unexpected(theirs)
  const { protocol } = theirs.hello
  if (protocol === DATA_PROTOCOL) return null
  const { peerId } = conversation.connection
  const message = `cannot send to server "${peerId}": it speaks protocol ${protocol}, not ${DATA_PROTOCOL}`
  return { code: 'INCOMPATIBLE', message }
}
