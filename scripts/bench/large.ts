import { join } from 'node:path'

import { benchArguments } from './lib/arguments.ts'
import { firstRun } from './lib/first-run.ts'
import { makeLargeFile } from './lib/large-file.ts'
import { inOwnNetwork } from './lib/own-network.ts'

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
    fill: (folder) => makeLargeFile(join(folder, 'large.bin'), args.bytes),
  }),
)
