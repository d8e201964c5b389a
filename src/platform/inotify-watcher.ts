import { writeSync } from 'node:fs'

import type { ByteString } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'
import type { Failing, FromInotify, MessagePortLike, ToInotify } from './inotify-messages.ts'
import type { OnWatchSignal, Watcher, WatcherFactory } from './watcher.ts'

/** Starts the inotify Worker. Only the entry files know how, so it is handed in. */
export type StartInotifyWorker = () => MessagePortLike<ToInotify, FromInotify>

interface Watch {
  readonly onSignal: OnWatchSignal
  readonly ready: PromiseWithResolvers<void>
  isReady: boolean
}

/** Watches by inotify; one Worker for all roots, started with the first. */
export function createInotifyWatchers(start: StartInotifyWorker): WatcherFactory {
  let client: InotifyClient | null = null
  return {
    watch: (root, onSignal) => {
      client ??= new InotifyClient(start())
      return client.watch(root, onSignal)
    },
    close: async () => {
      await client?.stop()
      client = null
    },
  }
}

class InotifyClient {
  readonly #port: MessagePortLike<ToInotify, FromInotify>
  readonly #watches = new Map<number, Watch>()
  readonly #drains = new Map<number, PromiseWithResolvers<boolean>>()
  readonly #unwatches = new Map<number, PromiseWithResolvers<void>>()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #unsent: ToInotify[] = []
  #wakeDescriptor: number | null = null
  #broken: AppError | null = null
  #isStopping = false
  #lastId = 0

  constructor(port: MessagePortLike<ToInotify, FromInotify>) {
    this.#port = port
    port.onMessage((message) => this.#take(message))
  }

  async watch(root: ByteString, onSignal: OnWatchSignal): Promise<Watcher> {
    if (this.#broken !== null) throw this.#broken
    const id = ++this.#lastId
    const watch = { onSignal, ready: Promise.withResolvers<void>(), isReady: false }
    this.#watches.set(id, watch)
    this.#send({ type: 'watch', id, path: root })
    await watch.ready.promise
    // After an overflow every folder is watched anew, and otherwise none is missed.
    const found = () => undefined
    return { drain: () => this.#drain(id), found, close: () => this.#unwatch(id) }
  }

  async stop(): Promise<void> {
    if (this.#broken !== null) return
    this.#send({ type: 'stop' })
    this.#isStopping = true
    await this.#stopped.promise
  }

  #drain(id: number): Promise<boolean> {
    if (!this.#watches.has(id) || this.#broken !== null) return Promise.resolve(false)
    const request = ++this.#lastId
    const drained = Promise.withResolvers<boolean>()
    this.#drains.set(request, drained)
    this.#send({ type: 'drain', request })
    return drained.promise
  }

  async #unwatch(id: number): Promise<void> {
    if (!this.#watches.delete(id) || this.#broken !== null) return
    const unwatched = Promise.withResolvers<void>()
    this.#unwatches.set(id, unwatched)
    this.#send({ type: 'unwatch', id })
    await unwatched.promise
  }

  /** After `stop` nothing is sent: the Worker closes the descriptor, and its number may soon be another file's. */
  #send(message: ToInotify): void {
    if (this.#isStopping) return
    if (this.#wakeDescriptor === null) {
      this.#unsent.push(message)
    } else {
      this.#sendNow(message, this.#wakeDescriptor)
    }
  }

  #sendNow(message: ToInotify, wakeDescriptor: number): void {
    this.#port.post(message)
    writeSync(wakeDescriptor, ONE_WAKE)
  }

  #take(message: FromInotify): void {
    switch (message.type) {
      case 'started':
        this.#wakeDescriptor = message.wakeDescriptor
        for (const unsent of this.#unsent.splice(0)) this.#sendNow(unsent, message.wakeDescriptor)
        return
      case 'broken':
        this.#break(errorOf(message.error))
        return
      case 'ready':
        this.#ready(message.id)
        return
      case 'hints':
        this.#watches.get(message.id)?.onSignal({ kind: 'hints', hints: message.hints })
        this.#send({ type: 'taken' })
        return
      case 'overflow': {
        const { path, reason } = message
        const signal = { kind: 'overflow', path, reason, certainty: 'lost' } as const
        this.#watches.get(message.id)?.onSignal(signal)
        return
      }
      case 'failed':
        this.#failed(message.id, errorOf(message.error))
        return
      case 'unwatched':
        this.#unwatches.get(message.id)?.resolve()
        this.#unwatches.delete(message.id)
        return
      case 'drained':
        this.#drains.get(message.request)?.resolve(true)
        this.#drains.delete(message.request)
        return
      case 'stopped':
        this.#break(new AppError('WATCH_FAILED', 'cannot go on watching: the watcher was stopped'))
        return
    }
  }

  #ready(id: number): void {
    const watch = this.#watches.get(id)
    if (watch === undefined) return
    watch.isReady = true
    watch.ready.resolve()
  }

  #failed(id: number, error: AppError): void {
    const watch = this.#watches.get(id)
    this.#watches.delete(id)
    if (watch?.isReady === true) watch.onSignal({ kind: 'failed', error })
    else watch?.ready.reject(error)
  }

  /** Nothing comes from the Worker any more: everyone who waits is told. */
  #break(error: AppError): void {
    this.#broken = error
    this.#wakeDescriptor = null
    for (const id of this.#watches.keys()) this.#failed(id, error)
    for (const drained of this.#drains.values()) drained.resolve(false)
    for (const unwatched of this.#unwatches.values()) unwatched.resolve()
    this.#stopped.resolve()
  }
}

/** What an event descriptor takes: eight bytes, the number one in the host's order. */
const ONE_WAKE = new Uint8Array(new BigUint64Array([1n]).buffer)

function errorOf({ code, message }: Failing): AppError {
  return new AppError(code, message)
}
