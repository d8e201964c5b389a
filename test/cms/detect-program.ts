// Detects changes in `FOLDER/root` until it is killed; prints every record that it tells its master, one a line.
import { writeSync } from 'node:fs'

import { Rig } from './rig.ts'

const [folder = '.'] = process.argv.slice(2)
const rig = new Rig({
  folder,
  onPage: ({ epoch, records }) => {
    const lines = records.map(({ seq, path }) => `${JSON.stringify({ epoch, seq, path })}\n`)
    writeSync(1, lines.join(''))
  },
})
await rig.start()
writeSync(1, 'started\n')
await new Promise(() => {})
