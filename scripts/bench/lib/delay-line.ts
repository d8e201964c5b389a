import type { Socket } from 'bun'

/** What is on its way in one direction, beside what the line holds by its length: what routers let wait. */
const WAITING_BYTES_MAX = 8 << 20

interface Line {
  readonly rateBytesPerS: number
  /** From one end to the other and back. */
  readonly roundTripMs: number
}

interface End {
  /** What comes in here leaves at the other end. */
  readonly other: Pipe
  /** What leaves here. */
  readonly own: Pipe
}

/**
 * A way to a port on this machine that delays every byte and lets no more through than a rate: what a long line does, but
 * for losses and the slow start of its connections. The delay may change between two uses.
 */
export class DelayLine {
  readonly #listener: Bun.TCPSocketListener<End | null>
  #line: Line
  #passedBytes = 0

  constructor(toPort: number, line: Line) {
    this.#line = line
    const handlers = {
      data: (socket: Socket<End | null>, bytes: Uint8Array) => this.#pass(socket, bytes),
      drain: ({ data }: Socket<End | null>) => data?.own.pump(),
      close: ({ data }: Socket<End | null>) => data?.other.end(),
      error: () => undefined,
    }
    const join = (near: Socket<End | null>, far: Socket<End | null>): void => {
      // Whoever connects waits for an answer before it sends anything: this end has answered at once.
      const toFar = new Pipe(far, near, performance.now() + this.#line.roundTripMs)
      const toNear = new Pipe(near, far, 0)
      near.data = { other: toFar, own: toNear }
      far.data = { other: toNear, own: toFar }
      near.resume()
    }
    this.#listener = Bun.listen<End | null>({
      hostname: '127.0.0.1',
      port: 0,
      data: null,
      socket: {
        ...handlers,
        open: (near) => {
          near.pause()
          const socket = { ...handlers, open: (far: Socket<End | null>) => join(near, far) }
          const target = { hostname: '127.0.0.1', port: toPort, data: null, socket }
          Bun.connect<End | null>(target).catch(() => near.end())
        },
      },
    })
  }

  get port(): number {
    return this.#listener.port
  }

  /** Bytes that came in at either end. */
  get passedBytes(): number {
    return this.#passedBytes
  }

  /** For what comes in from now on. */
  setRoundTrip(roundTripMs: number): void {
    this.#line = { ...this.#line, roundTripMs }
  }

  stop(): void {
    this.#listener.stop(true)
  }

  #pass({ data }: Socket<End | null>, bytes: Uint8Array): void {
    this.#passedBytes += bytes.length
    data?.other.take(bytes.slice(), this.#line)
  }
}

/** One direction of one connection. */
class Pipe {
  readonly #to: Socket<End | null>
  readonly #from: Socket<End | null>
  readonly #waiting: { readonly bytes: Uint8Array; readonly dueMs: number }[] = []
  #waitingBytes = 0
  #waitingBytesMax = WAITING_BYTES_MAX
  #offset = 0
  /** When the line has taken all that came so far. */
  #freeAtMs: number
  #isHeld = false
  #isEnding = false
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(to: Socket<End | null>, from: Socket<End | null>, freeAtMs: number) {
    this.#to = to
    this.#from = from
    this.#freeAtMs = freeAtMs
  }

  take(bytes: Uint8Array, { rateBytesPerS, roundTripMs }: Line): void {
    this.#waitingBytesMax = WAITING_BYTES_MAX + (rateBytesPerS * roundTripMs) / 2000
    // The line is busy with these bytes for so long; then they travel.
    const passMs = (bytes.length / rateBytesPerS) * 1000
    this.#freeAtMs = Math.max(this.#freeAtMs, performance.now()) + passMs
    this.#waiting.push({ bytes, dueMs: this.#freeAtMs + roundTripMs / 2 })
    this.#count(bytes.length)
    this.#wait()
  }

  end(): void {
    this.#isEnding = true
    this.#wait()
  }

  /** Writes what is due, as far as the socket takes it. */
  pump(): void {
    for (;;) {
      const [first] = this.#waiting
      if (first === undefined || first.dueMs > performance.now()) break
      const leftBytes = first.bytes.length - this.#offset
      const taken = this.#to.write(first.bytes, this.#offset, leftBytes)
      if (taken > 0) this.#offset += taken
      if (this.#offset < first.bytes.length) return
      this.#waiting.shift()
      this.#offset = 0
      this.#count(-first.bytes.length)
    }
    this.#wait()
  }

  /** What does not fit into the line waits where it comes from. */
  #count(bytes: number): void {
    this.#waitingBytes += bytes
    const isHeld = this.#waitingBytes > this.#waitingBytesMax
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    if (isHeld) this.#from.pause()
    else this.#from.resume()
  }

  #wait(): void {
    const [first] = this.#waiting
    if (first === undefined) {
      if (this.#isEnding) this.#to.end()
      return
    }
    if (this.#timer !== null) return
    const go = (): void => {
      this.#timer = null
      this.pump()
    }
    this.#timer = setTimeout(go, Math.max(0, first.dueMs - performance.now()))
  }
}
