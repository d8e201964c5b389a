import { parseArgs } from 'node:util'

import { simulate } from './simulation.ts'

// bun test/sim/run.ts --seed N      replays one run with its trace
// bun test/sim/run.ts --seeds N     runs the seeds from 1 (or --from) on
// bun test/sim/run.ts --seconds N   runs for so long
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    seconds: { type: 'string' },
    from: { type: 'string', default: '1' },
  },
})

if (values.seed !== undefined) process.exitCode = await replay(Number(values.seed))
else process.exitCode = await runMany()

async function replay(seed: number): Promise<number> {
  const { problems, trace } = await simulate(seed)
  for (const line of trace) console.log(line)
  for (const problem of problems) console.log(`seed ${seed}: ${problem}`)
  return problems.length === 0 ? 0 : 1
}

async function runMany(): Promise<number> {
  const first = Number(values.from)
  const until = performance.now() + Number(values.seconds ?? Infinity) * 1000
  const last = values.seeds === undefined ? Infinity : first + Number(values.seeds) - 1
  if (values.seconds === undefined && values.seeds === undefined) {
    console.error('run.ts: give --seed, --seeds or --seconds')
    return 2
  }
  const failed: number[] = []
  const met = new Map<string, number>()
  let seed = first
  for (; seed <= last && performance.now() < until; seed++) {
    const { problems, met: names } = await simulate(seed)
    for (const name of names) met.set(name, (met.get(name) ?? 0) + 1)
    if (problems.length === 0) continue
    failed.push(seed)
    console.log(`seed ${seed}: ${problems[0]?.split('\n', 3).join('')}`)
  }
  console.log(
    [...met]
      .map(([name, count]) => `${name}: ${count} seeds`)
      .toSorted()
      .join('\n'),
  )
  console.log(`${seed - first} seeds, ${failed.length} failed`)
  return failed.length === 0 ? 0 : 1
}
