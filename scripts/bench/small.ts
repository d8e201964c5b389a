import { makeRandomTree } from '../fleet/random-tree.ts'
import { benchArguments } from './lib/arguments.ts'
import { firstRun } from './lib/first-run.ts'
import { inOwnNetwork } from './lib/own-network.ts'

/** Many small files to one empty target: 20,000 of 1–16 KiB. */
await inOwnNetwork()
const args = benchArguments(process.argv.slice(2))
process.exit(
  await firstRun({
    name: args.onDisk ? 'small-disk' : 'small',
    title: `${args.files} files of 1–16 KiB to one empty target`,
    settings: { files: args.files },
    args,
    ratioAtMost: 1,
    fill: (folder) => makeRandomTree(folder, args.files),
  }),
)
