import { AppError, toAppError } from '../core/base/errors.ts'
import type { Hint } from '../core/change/hint.ts'
import { type RelPath, ROOT, STAGING_NAME, child } from '../core/path/rel-path.ts'
import {
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_ISDIR,
  IN_MOVED_FROM,
  IN_MOVE_SELF,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
  type InotifyEvent,
  hintKind,
  parseInotifyEvents,
} from './inotify-events.ts'
import { InotifyKernel } from './inotify-kernel.ts'
import type { Failing, FromInotify, MessagePortLike, ToInotify } from './inotify-messages.ts'
import { InotifyRoots, type Owner, type WatchedRoot } from './inotify-roots.ts'

/** How long a folder that was moved away may take to appear under its new name. */
const UNOWNED_MS = 200
/** Hints in one message: bounds what either side copies at once. */
const HINTS_MAX = 2000
/**
 * Messages with hints that the agent has not taken yet: beyond that the events wait in the kernel's queue, which has a
 * bound and says so when it is full, and come in larger messages later.
 */
const UNTAKEN_MAX = 64
/** Reads before the messages are looked at: a storm of events must not keep a stop waiting. */
const READS_MAX = 16

type Port = MessagePortLike<FromInotify, ToInotify>

/** Runs inotify for many roots until it is told to stop: the whole life of the Worker. */
export async function runInotify(port: Port): Promise<void> {
  let kernel: InotifyKernel
  try {
    kernel = new InotifyKernel()
  } catch (thrown) {
    port.post({ type: 'broken', error: failing(toAppError(thrown)) })
    return
  }
  const session = new InotifySession(kernel, port)
  port.onMessage((message) => session.take(message))
  port.post({ type: 'started', wakeDescriptor: kernel.wakeDescriptor })
  await session.run()
  kernel.close()
  port.post({ type: 'stopped' })
}

class InotifySession {
  readonly #kernel: InotifyKernel
  readonly #port: Port
  readonly #roots: InotifyRoots
  readonly #byId = new Map<number, WatchedRoot>()
  readonly #messages: ToInotify[] = []
  #takenCount = 0
  #wakeCount = 0
  #untakenCount = 0
  #isStopped = false

  constructor(kernel: InotifyKernel, port: Port) {
    this.#kernel = kernel
    this.#port = port
    this.#roots = new InotifyRoots(kernel)
  }

  take(message: ToInotify): void {
    this.#takenCount++
    this.#messages.push(message)
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const isHeldUp = this.#untakenCount >= UNTAKEN_MAX
      if (isHeldUp) this.#kernel.waitForWake()
      else this.#kernel.wait(this.#roots.hasUnowned ? UNOWNED_MS : null)
      this.#wakeCount += this.#kernel.takeWakes()
      const hadEvents = isHeldUp || this.#readEvents(READS_MAX)
      if (!hadEvents) this.#roots.dropUnowned()
      // A wake came after its message was posted, so the message is on its way to this thread.
      while (this.#takenCount < this.#wakeCount) await nextTurn()
      for (const message of this.#messages.splice(0)) this.#handle(message)
    }
  }

  #handle(message: ToInotify): void {
    switch (message.type) {
      case 'watch':
        this.#watch({ id: message.id, path: message.path, folders: new Map() })
        return
      case 'unwatch':
        this.#forget(message.id)
        this.#port.post({ type: 'unwatched', id: message.id })
        return
      case 'drain':
        // The kernel queues an event before the call that caused it returns, so one pass has all there was.
        while (this.#readEvents(READS_MAX));
        this.#port.post({ type: 'drained', request: message.request })
        return
      case 'taken':
        this.#untakenCount--
        return
      case 'stop':
        this.#isStopped = true
        return
    }
  }

  #watch(root: WatchedRoot): void {
    this.#byId.set(root.id, root)
    try {
      this.#roots.assertRoom(root)
    } catch (thrown) {
      return this.#fail(root, toAppError(thrown))
    }
    if (this.#watchTree(root, ROOT)) this.#port.post({ type: 'ready', id: root.id })
  }

  /** False where it failed: then the root is given up. */
  #watchTree(root: WatchedRoot, folder: RelPath): boolean {
    try {
      this.#roots.watchTree(root, folder)
      return true
    } catch (thrown) {
      this.#fail(root, toAppError(thrown))
      return false
    }
  }

  #fail(root: WatchedRoot, error: AppError): void {
    if (!this.#byId.has(root.id)) return
    this.#forget(root.id)
    this.#port.post({ type: 'failed', id: root.id, error: failing(error) })
  }

  #forget(id: number): void {
    const root = this.#byId.get(id)
    if (root === undefined) return
    this.#roots.release(root, ROOT)
    this.#roots.dropUnowned()
    this.#byId.delete(id)
  }

  /** Reads what the kernel has, at most so many times; false where there was nothing. */
  #readEvents(readsMax: number): boolean {
    const batch = new HintBatch((id, hints) => {
      this.#untakenCount++
      this.#port.post({ type: 'hints', id, hints })
    })
    let reads = 0
    for (; reads < readsMax; reads++) {
      const bytes = this.#kernel.read()
      if (bytes === null) break
      for (const event of parseInotifyEvents(bytes)) this.#event(event, batch)
    }
    batch.send()
    return reads > 0
  }

  #event(event: InotifyEvent, batch: HintBatch): void {
    if ((event.mask & IN_Q_OVERFLOW) !== 0) {
      batch.send()
      this.#overflow()
    } else if ((event.mask & IN_IGNORED) !== 0) {
      this.#roots.ended(event.watch)
    } else {
      for (const owner of this.#roots.owners(event.watch)) this.#owned(event, owner, batch)
    }
  }

  #owned(event: InotifyEvent, owner: Owner, batch: HintBatch): void {
    const { root } = owner
    const isRoot = owner.path === ROOT
    if (isRoot && (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) !== 0) {
      batch.send()
      this.#fail(root, rootGone())
      return
    }
    if ((event.mask & IN_UNMOUNT) !== 0) {
      batch.add(root.id, hint(owner.path, 'removed', event))
      return
    }
    const kind = hintKind(event.mask)
    if (kind === null || (isRoot && event.name === STAGING_NAME)) return
    const path = event.name === '' ? owner.path : child(owner.path, event.name)
    const isFolder = (event.mask & IN_ISDIR) !== 0
    if (isFolder && (kind === 'created' || kind === 'movedTo') && !this.#watchTree(root, path)) {
      return
    }
    if (isFolder && (event.mask & IN_MOVED_FROM) !== 0) this.#roots.release(root, path)
    batch.add(root.id, hint(path, kind, event))
  }

  /** Folders may have come and gone unseen: all are taken up again before anyone is told to scan. */
  #overflow(): void {
    for (const root of this.#byId.values()) this.#roots.release(root, ROOT)
    for (const root of this.#byId.values()) {
      if (!this.#watchTree(root, ROOT)) continue
      const reason = 'the queue of the kernel was full'
      this.#port.post({ type: 'overflow', id: root.id, path: ROOT, reason })
    }
    this.#roots.dropUnowned()
  }
}

/** Hints of one reading, in order, sent together. */
class HintBatch {
  readonly #post: (id: number, hints: readonly Hint[]) => void
  readonly #hints = new Map<number, Hint[]>()
  readonly #changed = new Set<string>()

  constructor(post: (id: number, hints: readonly Hint[]) => void) {
    this.#post = post
  }

  add(id: number, one: Hint): void {
    // A file that is written to gives one event a write; one in a batch says as much.
    if (one.kind === 'changed' && this.#isRepeated(`${id}/${one.path}`)) return
    const hints = this.#hints.get(id) ?? []
    hints.push(one)
    this.#hints.set(id, hints)
    if (hints.length >= HINTS_MAX) this.send()
  }

  send(): void {
    for (const [id, hints] of this.#hints) this.#post(id, hints)
    this.#hints.clear()
    this.#changed.clear()
  }

  #isRepeated(key: string): boolean {
    if (this.#changed.has(key)) return true
    this.#changed.add(key)
    return false
  }
}

function hint(path: RelPath, kind: Hint['kind'], event: InotifyEvent): Hint {
  const cookie = event.cookie === 0 ? null : event.cookie
  return { path, kind, cookie, isDirectory: (event.mask & IN_ISDIR) !== 0 }
}

function rootGone(): AppError {
  return new AppError(
    'ROOT_MISSING',
    'cannot go on watching: the folder was moved, removed or unmounted',
  )
}

function failing(error: AppError): Failing {
  return { code: error.code, message: error.message }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
