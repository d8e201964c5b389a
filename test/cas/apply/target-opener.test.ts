import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { targetOpener } from '../../../src/cas/apply/target-opener.ts'
import type { InboundBinding } from '../../../src/core/apply/inbound.ts'
import { NO_NOTES } from '../../../src/core/apply/notes.ts'
import { fromText } from '../../../src/core/base/byte-string.ts'
import { finish } from '../../../src/core/base/working.ts'
import type { TargetConfig } from '../../../src/core/wire/control.ts'
import { createLogger } from '../../../src/platform/log.ts'
import { IndexFile } from '../../../src/store/index-file.ts'
import { EPOCH, file } from '../../core/apply/harness.ts'
import { describeMounting, mount } from '../../platform/mounts.ts'
import { codeOf } from '../../platform/tree.suite.ts'

const log = createLogger({ level: 'error' })

describe('targets open for receiving', () => {
  let folder = ''
  let root = ''
  let index: IndexFile
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cd-target-'))
    root = join(folder, 'root')
    mkdirSync(root)
    index = IndexFile.open(join(folder, 'index.db'))
  })
  afterEach(() => {
    index.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const config = (change: Partial<TargetConfig> = {}): TargetConfig => ({
    policyId: 'policy',
    bindingId: 'binding',
    sourceId: 'source',
    sourceServerId: 'server',
    sourceKey: '',
    path: fromText(root),
    deletes: 'mirror',
    firstContact: 'hold',
    minFreePercent: 0,
    filter: { include: [], exclude: [], deleteExcluded: false },
    metadata: {
      owner: 'id',
      mode: true,
      hardLinks: false,
      xattrs: false,
      acls: false,
      sparse: true,
    },
    policyRevision: 1,
    ...change,
  })
  const open = (change: Partial<TargetConfig> = {}) => targetOpener({ index, log })(config(change))

  const begin = (binding: InboundBinding, content: string) => {
    const watermark = binding.position().watermark
    const from = watermark?.seq ?? 0
    const header = {
      epoch: EPOCH,
      kind: watermark === null ? 'full' : 'incremental',
      from,
      to: from + 1,
      last: true,
      jobTo: from + 1,
    } as const
    const set = binding.begin(header, [file(from + 1, 'a', content)])
    finish(set.survey())
    const incoming = set.openFile(from + 1)
    incoming.write(new TextEncoder().encode(content))
    incoming.finish()
    return set
  }
  const send = (binding: InboundBinding, content: string) =>
    finish(begin(binding, content).apply(new Map(), new Set(), new Map()))
  const content = () => readFileSync(join(root, 'a'), 'utf8')

  test('what is received lies there, and the position outlives the process', () => {
    const target = open()
    expect(target.isEmpty()).toBe(true)
    send(target.binding, 'one')
    expect(target.isEmpty()).toBe(false)
    target.close()
    expect(content()).toBe('one')
    index.close()
    index = IndexFile.open(join(folder, 'index.db'))
    const again = open()
    expect(again.binding.position()).toEqual({
      watermark: { epoch: EPOCH, seq: 1 },
      listed: null,
      pending: [],
      hold: null,
      held: [],
      kept: [],
      notes: NO_NOTES,
    })
    send(again.binding, 'two')
    again.close()
    expect(content()).toBe('two')
  })

  test('a root that is not there is ROOT_MISSING', () => {
    rmSync(root, { recursive: true })
    expect(codeOf(() => open())).toBe('ROOT_MISSING')
  })

  test('nothing is written into another folder in the place of the root, and its return releases it', () => {
    const target = open()
    send(target.binding, 'one')
    target.close()
    renameSync(root, `${root}.away`)
    mkdirSync(root)
    expect(codeOf(() => open())).toBe('ROOT_CHANGED')
    expect(readdirSync(root)).toEqual([])
    rmSync(root, { recursive: true })
    renameSync(`${root}.away`, root)
    const again = open()
    send(again.binding, 'two')
    again.close()
    expect(content()).toBe('two')
  })

  test('nor by a source that comes for the first time, where another has come before', () => {
    const target = open()
    send(target.binding, 'one')
    target.close()
    renameSync(root, `${root}.away`)
    mkdirSync(root)
    const others = [{ bindingId: 'binding', order: 0 }]
    const union = { order: 1, conflict: 'newest', others } as const
    expect(codeOf(() => open({ bindingId: 'second', union }))).toBe('ROOT_CHANGED')
    expect(readdirSync(root)).toEqual([])
  })

  test('a root that changes while it is open is noticed before a set, and before it is placed', () => {
    const target = open()
    send(target.binding, 'one')
    const set = begin(target.binding, 'two')
    renameSync(root, `${root}.away`)
    mkdirSync(root)
    expect(codeOf(() => finish(set.apply(new Map(), new Set(), new Map())))).toBe('ROOT_CHANGED')
    set.discard()
    expect(codeOf(() => begin(target.binding, 'two'))).toBe('ROOT_CHANGED')
    expect(readdirSync(root)).toEqual([])
    expect(readFileSync(join(`${root}.away`, 'a'), 'utf8')).toBe('one')
    expect(readdirSync(`${root}.away`)).toEqual(['a'])
    target.close()
  })

  describeMounting('on a file system of its own', () => {
    const mountNew = () => mount('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', root)
    const unmountAll = () => {
      while (Bun.spawnSync(['umount', '-l', root]).exitCode === 0);
    }
    afterEach(unmountAll)

    test.each(['while it is open', 'while nobody looks'])(
      'it is unmounted %s: nothing is written into the empty folder',
      (when) => {
        mountNew()
        const target = open()
        send(target.binding, 'one')
        if (when === 'while nobody looks') target.close()
        unmountAll()
        const again = when === 'while nobody looks' ? open : () => begin(target.binding, 'two')
        expect(codeOf(again)).toBe('ROOT_CHANGED')
        expect(readdirSync(root)).toEqual([])
      },
    )

    test('another file system of the same kind is mounted in its place, and taken away again', () => {
      mountNew()
      const target = open()
      send(target.binding, 'one')
      target.close()
      mountNew()
      expect(codeOf(open)).toBe('ROOT_CHANGED')
      expect(readdirSync(root)).toEqual([])
      mount('umount', root)
      const back = open()
      send(back.binding, 'two')
      back.close()
      expect(content()).toBe('two')
    })
  })

  test('what an unclean stop left is cleared when the target is opened', () => {
    const target = open()
    begin(target.binding, 'one')
    target.close()
    expect(readdirSync(root)).toEqual(['.cd-staging'])
    const again = open()
    expect(readdirSync(root)).toEqual([])
    expect(again.isEmpty()).toBe(true)
    again.close()
  })

  test('replace keeps what the filter does not let through', () => {
    for (const name of ['cache.tmp', 'other']) writeFileSync(join(root, name), 'mine')
    const filter = { include: [], exclude: ['\\.tmp$'], deleteExcluded: false }
    const target = open({ firstContact: 'replace', filter })
    send(target.binding, 'one')
    target.close()
    expect(readdirSync(root).toSorted()).toEqual(['a', 'cache.tmp'])
  })

  test('a disk with less free space than the policy demands takes no content', () => {
    const target = open({ minFreePercent: 100 })
    const { failed } = send(target.binding, 'one')
    expect(failed).toMatchObject([{ code: 'NO_SPACE' }])
    expect(readdirSync(root)).toEqual([])
    target.close()
  })

  test('a pattern that is none, and a root that is no text, are refused', () => {
    const filter = { include: ['('], exclude: [], deleteExcluded: false }
    expect(codeOf(() => open({ filter }))).toBe('PATTERN_UNSAFE')
    expect(codeOf(() => open({ path: '/tmp/\xff' }))).toBe('PATH_INVALID')
  })

  test('hundreds of small files are applied in one set', () => {
    const target = open()
    const entries = Array.from({ length: 500 }, (_, one) =>
      file(one + 1, `f${one}`, `content ${one}`),
    )
    const set = target.binding.begin(
      { epoch: EPOCH, kind: 'full', from: 0, to: 500, last: true, jobTo: 500 },
      entries,
    )
    for (const seq of finish(set.survey())) {
      const incoming = set.openFile(seq)
      incoming.write(new TextEncoder().encode(`content ${seq - 1}`))
      incoming.finish()
    }
    expect(finish(set.apply(new Map(), new Set(), new Map())).appliedCount).toBe(500)
    target.close()
    expect(lstatSync(join(root, 'f499'), { bigint: true }).mtimeNs).toBe(1_600_000_000_123_456_789n)
  })
})
