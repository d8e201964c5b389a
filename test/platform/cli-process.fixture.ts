import { defineCommand } from '../../src/platform/cli-command.ts'
import { required, secret } from '../../src/platform/cli-options.ts'
import { runAsProcess } from '../../src/platform/cli-process.ts'

// A program as its own process, for what only a process has: signals, streams, an exit status.

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

const ready = (io: { writeStdout(text: string): void }) => io.writeStdout('ready\n')

await runAsProcess({
  name: 'sample',
  version: '1.0.0',
  summary: 'A sample.',
  commands: [
    defineCommand({
      name: 'serve',
      summary: 'Stop cleanly',
      options: {},
      run: async (_, { io, signal }) => {
        ready(io)
        await untilAborted(signal)
        io.writeStdout('stopped\n')
      },
    }),
    defineCommand({
      name: 'wait',
      summary: 'Fail when stopped',
      options: {},
      run: async (_, { io, signal }) => {
        ready(io)
        await untilAborted(signal)
        throw new Error('cut off')
      },
    }),
    defineCommand({
      name: 'hang',
      summary: 'Never stop',
      options: {},
      run: async (_, { io }) => {
        ready(io)
        await new Promise((resolve) => setTimeout(resolve, 60_000))
      },
    }),
    defineCommand({
      name: 'ask',
      summary: 'Read a secret',
      options: { token: required(secret('TOKEN', 'The token')) },
      run: async ({ token }, { io }) => io.writeStdout(`token ${token}\n`),
    }),
    defineCommand({
      name: 'much',
      summary: 'Write a lot',
      options: {},
      run: async (_, { io }) => io.writeStdout(`${'x'.repeat(4_000_000)}\n`),
    }),
  ],
})
