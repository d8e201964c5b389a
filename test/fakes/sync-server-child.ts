import { createInterface } from 'node:readline'

// Stands for the Sync Server where only its supervision is tested: it speaks the same lines, and does what its first
// argument says.
const [behaviour] = process.argv.slice(2)
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

if (behaviour === 'portTaken') {
  say({ type: 'failed', code: 'PORT_IN_USE', message: 'cannot listen on 127.0.0.1:1: in use' })
  process.exit(1)
}
if (behaviour === 'nonsense') process.stdout.write('this is no report\n')
if (behaviour === 'stubborn') process.on('SIGTERM', () => undefined)

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  if (command.type === 'stop' && behaviour !== 'stubborn') break
  if (command.type !== 'configure') continue
  say({ type: 'listening', port: command.listen.port || 4711 })
  if (behaviour === 'reaching')
    say({ type: 'reach', ways: [{ serverId: 'far', port: 4712 }], registeredCount: 2 })
  if (behaviour === 'passing') passOn()
  const nothing = { watermark: null, pendingCount: 0, pending: [] }
  const error = { code: 'IO_ERROR', message: `lease ${command.leaseUntil}` }
  const ids = { policyId: 'p', bindingId: 'b' }
  say({ type: 'report', message: { type: 'targetReport', ...ids, ...nothing, error } })
}
if (behaviour === 'stubborn') await Bun.sleep(60_000)

/** Tells of two servers that it passes something on to, of which one has it all. */
function passOn(): void {
  const figures = { attempts: 1, bytesOnWire: 1, entriesApplied: 1, entriesFailed: 0 }
  const of = { type: 'jobReport', jobId: 'j', via: 's', ...figures, error: null }
  for (const serverId of ['done', 'running']) {
    const message = { ...of, bindingId: `binding-${serverId}`, serverId }
    say({ type: 'report', message: { ...message, state: 'running' } })
    if (serverId === 'done') say({ type: 'report', message: { ...message, state: 'done' } })
  }
}
