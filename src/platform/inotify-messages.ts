import type { ByteString } from '../core/base/byte-string.ts'
import type { ErrorCode } from '../core/base/errors.ts'
import type { Hint } from '../core/change/hint.ts'
import type { RelPath } from '../core/path/rel-path.ts'

/**
 * What the agent and its inotify Worker say to each other. The Worker sleeps in the kernel, so each message to it is
 * followed by a wake on its event descriptor; it counts the wakes to know how many messages to expect.
 */
export type ToInotify =
  | { readonly type: 'watch'; readonly id: number; readonly path: ByteString }
  | { readonly type: 'unwatch'; readonly id: number }
  | { readonly type: 'drain'; readonly request: number }
  /** One message with hints was taken. */
  | { readonly type: 'taken' }
  | { readonly type: 'stop' }

export interface Failing {
  readonly code: ErrorCode
  readonly message: string
}

export type FromInotify =
  | { readonly type: 'started'; readonly wakeDescriptor: number }
  | { readonly type: 'broken'; readonly error: Failing }
  | { readonly type: 'ready'; readonly id: number }
  | { readonly type: 'hints'; readonly id: number; readonly hints: readonly Hint[] }
  | {
      readonly type: 'overflow'
      readonly id: number
      readonly path: RelPath
      readonly reason: string
    }
  | { readonly type: 'failed'; readonly id: number; readonly error: Failing }
  | { readonly type: 'unwatched'; readonly id: number }
  | { readonly type: 'drained'; readonly request: number }
  | { readonly type: 'stopped' }

/** A Worker as both sides need it: messages in order, until it is closed. */
export interface MessagePortLike<Out, In> {
  post(message: Out): void
  onMessage(handle: (message: In) => void): void
}
