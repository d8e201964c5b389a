import type { AppError } from '../../src/core/base/errors.ts'
import type { RelPath } from '../../src/core/path/rel-path.ts'
import type {
  OnWatchSignal,
  WatchSignal,
  Watcher,
  WatcherFactory,
} from '../../src/platform/watcher.ts'

/** Watchers that tell nothing by themselves: the test says what they say. */
export class SilentWatchers implements WatcherFactory {
  readonly #signals = new Set<OnWatchSignal>()
  /** Where set, no folder can be watched. */
  refusal: AppError | null = null
  watchCount = 0
  readonly found: RelPath[] = []

  watch(_root: string, onSignal: OnWatchSignal): Promise<Watcher> {
    this.watchCount++
    if (this.refusal !== null) return Promise.reject(this.refusal)
    this.#signals.add(onSignal)
    const close = () => {
      this.#signals.delete(onSignal)
      return Promise.resolve()
    }
    return Promise.resolve({
      drain: () => Promise.resolve(false),
      found: (folders) => void this.found.push(...folders),
      close,
    })
  }

  say(signal: WatchSignal): void {
    for (const onSignal of this.#signals) onSignal(signal)
  }

  close(): Promise<void> {
    this.#signals.clear()
    return Promise.resolve()
  }
}
