import { expect, test } from 'bun:test'

import { type BindingHolder, Bindings } from '../../../src/cas/sync-server/bindings.ts'
import type { Failure } from '../../../src/core/base/result.ts'
import type { TargetConfig } from '../../../src/core/wire/control.ts'
import { MemoryBinding } from '../../fakes/memory-binding.ts'

const target = (bindingId: string, more: Partial<TargetConfig> = {}) =>
  ({ bindingId, path: '/t', policyRevision: 1, ...more }) as TargetConfig

function rig(...targets: TargetConfig[]) {
  const open = new Set<string>()
  const bindings = new Bindings(({ bindingId }) => {
    open.add(bindingId)
    const close = () => void open.delete(bindingId)
    return { binding: new MemoryBinding(), isEmpty: () => true, close }
  })
  bindings.configure(targets)
  return { bindings, open }
}

function holder(peerId: string, runAtMs = 1): BindingHolder & { aborted: Failure[] } {
  const aborted: Failure[] = []
  return { peerId, runAtMs, aborted, abort: (failure) => void aborted.push(failure) }
}

test('a binding has one holder; the same peer takes over, and only the holder releases', () => {
  const { bindings } = rig(target('b'))
  const [first, again, other] = [holder('p'), holder('p'), holder('q')]
  expect(bindings.acquire('b', first).ok).toBe(true)
  expect(bindings.acquire('b', other)).toMatchObject({ error: { code: 'BINDING_BUSY' } })
  expect(bindings.acquire('b', again).ok).toBe(true)
  expect(first.aborted).toMatchObject([{ code: 'BINDING_BUSY' }])
  bindings.release('b', first)
  expect(bindings.acquire('b', other).ok).toBe(false)
  bindings.release('b', again)
  expect(bindings.acquire('b', other).ok).toBe(true)
  expect(bindings.acquire('c', other)).toMatchObject({ error: { code: 'BINDING_UNKNOWN' } })
})

test('another peer takes over only by a later run', () => {
  const { bindings } = rig(target('b'))
  const [relay, source, late] = [holder('relay', 5), holder('source', 6), holder('relay', 5)]
  bindings.acquire('b', relay)
  expect(bindings.acquire('b', holder('source', 5)).ok).toBe(false)
  expect(bindings.acquire('b', source).ok).toBe(true)
  expect(relay.aborted).toMatchObject([{ code: 'BINDING_BUSY' }])
  expect(bindings.acquire('b', late)).toMatchObject({ error: { code: 'BINDING_BUSY' } })
  expect(source.aborted).toEqual([])
})

test.each<[string, TargetConfig[], boolean]>([
  ['the same', [target('b')], true],
  ['another revision', [target('b', { policyRevision: 2 })], true],
  ['another path', [target('b', { path: '/u' })], false],
  ['none', [], false],
])('a configuration with %s leaves the job alone or ends it', (_what, next, goesOn) => {
  const rigged = rig(target('b'))
  const job = holder('p')
  rigged.bindings.acquire('b', job)
  rigged.bindings.configure(next)
  expect([...rigged.open]).toEqual(goesOn ? ['b'] : [])
  expect(job.aborted).toHaveLength(goesOn ? 0 : 1)
  expect(rigged.bindings.target('b')).toEqual(next[0] ?? null)
})

test('no more targets stay open than a process can bear, and never one that is held', () => {
  const ids = Array.from({ length: 300 }, (_, index) => `b${index}`)
  const { bindings, open } = rig(...ids.map((id) => target(id)))
  bindings.acquire('b0', holder('p'))
  for (const id of ids) bindings.open(id)
  expect(open.size).toBe(256)
  expect(['b0', 'b1', 'b299'].map((id) => open.has(id))).toEqual([true, false, true])
  bindings.close()
  expect(open.size).toBe(0)
})

test('a target that broke is opened anew', () => {
  const { bindings } = rig(target('b'))
  const before = bindings.open('b')
  expect(bindings.open('b')).toBe(before)
  bindings.drop('b')
  expect(bindings.open('b')).not.toBe(before)
})
