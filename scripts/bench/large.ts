import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import { benchArguments } from './lib/arguments.ts'
import { firstRun } from './lib/first-run.ts'
import { inOwnNetwork } from './lib/own-network.ts'

const CHUNK_BYTES = 1 << 20

/** One large file that does not compress. */
function makeLargeFile(folder: string, bytes: number): void {
  mkdirSync(folder, { recursive: true })
  const file = openSync(join(folder, 'large.bin'), 'w')
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    writeSync(file, randomBytes(Math.min(left, CHUNK_BYTES)))
  }
  closeSync(file)
}

/** One large file to one empty target: 1 GiB. */
await inOwnNetwork()
const args = benchArguments(process.argv.slice(2))
process.exit(
  await firstRun({
    name: 'large',
    title: `one file of ${args.bytes} bytes to one empty target`,
    settings: { bytes: args.bytes },
    args,
    ratioAtMost: 1,
    fill: (folder) => makeLargeFile(folder, args.bytes),
  }),
)
