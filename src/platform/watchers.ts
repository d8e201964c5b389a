import { AppError, toAppError } from '../core/base/errors.ts'
import { type StartInotifyWorker, createInotifyWatchers } from './inotify-watcher.ts'
import { createParcelWatchers } from './parcel-watcher.ts'
import type { WatcherChoice, WatcherFactory } from './watcher.ts'

/**
 * Gives the watcher of the choice. `auto` is inotify where it works, because it tells of closed files, renames and lost
 * events; elsewhere @parcel/watcher. `kernel` on another system throws PLATFORM_UNSUPPORTED.
 */
export function createWatchers(choice: WatcherChoice, start: StartInotifyWorker): WatcherFactory {
  const isLinux = process.platform === 'linux'
  if (choice === 'kernel' && !isLinux) {
    const message = `cannot watch with the kernel's events: this is ${process.platform}, not Linux`
    throw new AppError('PLATFORM_UNSUPPORTED', message)
  }
  if (choice === 'parcel' || !isLinux) return createParcelWatchers()
  const kernel = createInotifyWatchers(start)
  return choice === 'kernel' ? kernel : withFallback(kernel, createParcelWatchers())
}

/** The other one takes over where the first cannot start at all; what it says of a folder stands. */
function withFallback(first: WatcherFactory, second: WatcherFactory): WatcherFactory {
  return {
    watch: async (root, onSignal) => {
      try {
        return await first.watch(root, onSignal)
      } catch (thrown) {
        if (toAppError(thrown).code !== 'PLATFORM_UNSUPPORTED') throw thrown
        return second.watch(root, onSignal)
      }
    },
    close: async () => {
      await Promise.all([first.close(), second.close()])
    },
  }
}
