import type { Socket } from 'bun'

import { AppError, toAppError } from '../core/base/errors.ts'
import { orThrow } from '../core/base/or-throw.ts'
import type { Failure } from '../core/base/result.ts'
import { decodeFrame } from '../core/wire/frame-decode.ts'
import { type EncodedFrame, encodeFrame } from '../core/wire/frame-encode.ts'
import { type CutFrame, FrameStream } from '../core/wire/frame-stream.ts'
import type { Frame } from '../core/wire/frame.ts'
import { type FrameSeals, SEAL_BYTES, forged } from './frame-seal.ts'
import { HOST_LOOK_MS, HostWatch } from './host-watch.ts'
import { LimitedSink } from './limited-sink.ts'
import { tcpAnswers } from './tcp-answers.ts'
import { WriteQueue } from './write-queue.ts'

/** A sender pauses while so much waits for the socket. */
const QUEUE_BYTES_HIGH = 1 << 20
/** A peer that does not read what it asked for is cut off here. */
const QUEUE_BYTES_MAX = 16 << 20
/** A sign of life to a host that is watched, at the latest so often: only what was sent can be left unanswered. */
const BEAT_MS = 1000
/** The kernel asks a peer that says nothing whether it lives after so long, then each second, ten times. */
const KEEP_ALIVE_MS = 3000
/** How long the last words may take to leave. */
const GOODBYE_MS = 2000

export interface DataHandlers {
  /** Gets every frame in order, plain content perhaps in parts; bytes in it are valid until it returns. What it throws ends the connection with that error, told to the peer. */
  frame(frame: Frame): void
  /** Called once, at the end; null where this side closed without a failure. */
  closed(failure: Failure | null): void
}

/**
 * One authenticated connection to another agent. Frames in, frames out; the bytes between are nobody's business. Frames
 * are handled synchronously, so that a slow receiver slows its peer by itself.
 */
export class DataConnection {
  /** Who the other side is, by its certificate or by the hop key that it proved to know. */
  readonly peerId: string
  readonly #seals: FrameSeals | null
  readonly #socket: Socket<unknown>
  readonly #stream: FrameStream
  readonly #queue = new WriteQueue()
  readonly #sink: LimitedSink
  #handlers: DataHandlers | null = null
  #room = Promise.withResolvers<void>()
  #state: 'open' | 'ending' | 'closed' = 'open'
  #failure: Failure | null = null
  #isFlushDue = false
  #bytesOnWire = 0
  #bytesReceived = 0
  #patience: Patience | null = null
  #watching: ReturnType<typeof setInterval> | null = null
  #sentAtMs = 0

  /** `seals` are null where TLS protects the frames. */
  constructor(socket: Socket<unknown>, peerId: string, seals: FrameSeals | null) {
    this.#socket = socket
    this.#seals = seals
    this.#stream = new FrameStream(
      seals === null
        ? { onContent: (bytes) => this.#takeContent(bytes) }
        : { sealBytes: SEAL_BYTES },
    )
    this.#sink = new LimitedSink(socket, () => this.#flush())
    this.peerId = peerId
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
  }

  /** Must be set in the same turn in which the connection was handed over. */
  handle(handlers: DataHandlers): void {
    this.#handlers = handlers
  }

  /** Bytes of frames in both directions, as compressed. */
  get bytesOnWire(): number {
    return this.#bytesOnWire
  }

  /** Bytes that came from the other side, signs of life included. */
  get bytesReceived(): number {
    return this.#bytesReceived
  }

  /** For how long the other host has said nothing, whatever its programs do; null where nobody can tell. */
  get unheardMs(): number | null {
    return this.#state === 'open' ? (tcpAnswers(this.#descriptor)?.heardMs ?? null) : null
  }

  /** True where the frames can be read on the way, but not changed. */
  get isPlain(): boolean {
    return this.#seals !== null
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /**
   * False while the socket takes less than is sent, and while content waits for it that was not copied: wait for `room`
   * then.
   */
  get hasRoom(): boolean {
    return this.#queue.queuedBytes < QUEUE_BYTES_HIGH && !this.#queue.isLent
  }

  /** Resolves when there is room again, or the connection is closed. */
  async room(): Promise<void> {
    if (!this.hasRoom && this.isOpen) await this.#room.promise
  }

  /** Holds what is sent from now on to so many bytes per second; null for as fast as it goes. */
  limit(rateBytesPerS: number | null): void {
    this.#sink.limit(rateBytesPerS)
  }

  /** Stops reading, or goes on: the peer sends no more than its socket holds meanwhile. */
  pause(isPaused: boolean): void {
    if (this.#state === 'closed') return
    if (isPaused) this.#socket.pause()
    else this.#socket.resume()
  }

  /**
   * Sends a frame; after the end of the connection it goes nowhere. The content of a long block is not copied: it must not
   * change before `hasRoom` is true again.
   */
  send(frame: Frame): void {
    if (this.#state !== 'open') return
    const encoded = encodeFrame(frame)
    this.#enqueue(encoded)
    if (this.#queue.queuedBytes > QUEUE_BYTES_MAX)
      return this.#finish({ code: 'PROTOCOL', message: `server "${this.peerId}" does not read` })
    if (encoded.content !== null) return this.#flush()
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    queueMicrotask(() => {
      this.#isFlushDue = false
      this.#flush()
    })
  }

  /** Writes at once what was sent, as far as the socket takes it, and copies the rest: nothing is lent after this. */
  settle(): void {
    this.#flush()
    this.#queue.keep()
  }

  /**
   * Closes the connection when in so many milliseconds no byte has come or gone; null for never. Each call starts anew.
   */
  expectWithin(patienceMs: number | null): void {
    if (this.#patience !== null) clearTimeout(this.#patience.timer)
    this.#patience = null
    if (patienceMs === null || this.#state !== 'open') return
    const timer = setTimeout(() => this.#lose(patienceMs), patienceMs)
    this.#patience = { timer, delayMs: patienceMs }
  }

  /** Whether the connection is closed within some seconds where the other host does not answer at all any more. */
  watchHost(isWatched: boolean): void {
    if (this.#watching !== null) clearInterval(this.#watching)
    this.#watching = null
    if (!isWatched || this.#state !== 'open') return
    const watch = new HostWatch(performance.now())
    this.#watching = setInterval(() => this.#lookAtHost(watch), HOST_LOOK_MS)
  }

  /** Sends what is queued, then why, if there is a failure, and closes. */
  close(failure: Failure | null = null): void {
    if (this.#state !== 'open') return
    if (failure !== null) this.send({ type: 'error', error: failure })
    this.expectWithin(null)
    this.watchHost(false)
    this.#failure = failure
    this.#state = 'ending'
    setTimeout(() => this.#finish(failure), GOODBYE_MS).unref()
    this.#flush()
  }

  /** For the owner of the socket: bytes came. */
  received(bytes: Uint8Array): void {
    if (this.#state !== 'open') return
    this.#bytesReceived += bytes.length
    this.#moved(bytes.length)
    try {
      const taken = this.#stream.push(bytes, (cut) => this.#take(cut))
      if (!taken.ok)
        throw this.isPlain ? forged() : new AppError(taken.error.code, taken.error.message)
    } catch (thrown) {
      const { code, message } = toAppError(thrown)
      this.close({ code, message })
    }
  }

  /** For the owner of the socket: it takes more. */
  drained(): void {
    this.#flush()
  }

  /** For the owner of the socket: it is gone. */
  socketClosed(error: Error | undefined): void {
    const why = error === undefined ? 'closed by the other side' : error.message
    const lost = {
      code: 'PEER_UNREACHABLE',
      message: `connection to "${this.peerId}" lost: ${why}`,
    }
    this.#finish(this.#state === 'ending' ? this.#failure : (lost as Failure))
  }

  #lookAtHost(watch: HostWatch): void {
    const nowMs = performance.now()
    const answers = this.#state === 'open' ? tcpAnswers(this.#descriptor) : null
    if (answers !== null && watch.isGone(nowMs, answers)) {
      const message = `connection to "${this.peerId}" lost: its host does not answer`
      return this.#finish({ code: 'PEER_UNREACHABLE', message })
    }
    if (nowMs - this.#sentAtMs > BEAT_MS && this.#queue.queuedBytes === 0) this.#beat()
  }

  /** It says nothing of how a job fares, and so is no reason to be patient with the peer. */
  #beat(): void {
    this.#enqueue(encodeFrame({ type: 'alive' }))
    this.#bytesOnWire += this.#queue.flush(this.#sink)
  }

  /** -1 where there is none any more. */
  get #descriptor(): number {
    // The types leave it out.
    return 'fd' in this.#socket ? Number(this.#socket.fd) : -1
  }

  #enqueue(frame: EncodedFrame): void {
    this.#sentAtMs = performance.now()
    const seal = this.#seals?.seal(frame)
    this.#queue.push(frame.head)
    if (frame.content !== null) this.#queue.lend(frame.content)
    if (seal !== undefined) this.#queue.push(seal)
  }

  #take(cut: CutFrame): void {
    if (this.#state !== 'open') return
    const frame = orThrow(decodeFrame(this.#seals?.check(cut) ?? cut))
    if (frame.type !== 'alive') this.#handlers?.frame(frame)
  }

  /** A part of a frame's content is a frame as good as the whole. */
  #takeContent(bytes: Uint8Array): void {
    if (this.#state !== 'open') return
    const block = { compression: 'none', plainBytes: bytes.length, bytes } as const
    this.#handlers?.frame({ type: 'fileData', block })
  }

  #flush(): void {
    if (this.#state === 'closed') return
    this.#moved(this.#queue.flush(this.#sink))
    if (this.hasRoom) this.#wake()
    if (this.#state === 'ending' && this.#queue.queuedBytes === 0) this.#finish(this.#failure)
  }

  #moved(bytes: number): void {
    if (bytes === 0) return
    this.#bytesOnWire += bytes
    this.#patience?.timer.refresh()
  }

  /** Not by `end`: with TLS it waits for the other side's last word without end, and lets nobody close it meanwhile. */
  #end(): void {
    this.#socket.shutdown()
    setTimeout(() => this.#socket.terminate(), GOODBYE_MS).unref()
  }

  #lose(patienceMs: number): void {
    const message = `connection to "${this.peerId}" stalled for ${patienceMs} ms`
    this.#finish({ code: 'PEER_UNREACHABLE', message })
  }

  #wake(): void {
    this.#room.resolve()
    this.#room = Promise.withResolvers<void>()
  }

  #finish(failure: Failure | null): void {
    if (this.#state === 'closed') return
    const wasLost = this.#state === 'open' || this.#queue.queuedBytes > 0
    this.expectWithin(null)
    this.watchHost(false)
    this.#state = 'closed'
    this.#sink.stop()
    this.#queue.clear()
    // What was written is with the kernel by now; a peer that stalled is not waited for.
    if (wasLost) this.#socket.terminate()
    else this.#end()
    this.#wake()
    this.#handlers?.closed(failure)
  }
}

interface Patience {
  readonly timer: NodeJS.Timeout
  readonly delayMs: number
}
