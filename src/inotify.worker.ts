import { parentPort } from 'node:worker_threads'

import type { ToInotify } from './platform/inotify-messages.ts'
import { runInotify } from './platform/inotify-session.ts'

// The kernel's events are waited for in a blocking call, which no other thread must do.
const port = parentPort
if (port === null) throw new Error('this file runs as a Worker only')
await runInotify({
  post: (message) => port.postMessage(message),
  onMessage: (handle) => void port.on('message', (message: ToInotify) => handle(message)),
})
process.exit(0)
