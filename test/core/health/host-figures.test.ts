import { expect, test } from 'bun:test'

import { type HostReading, figuresBetween } from '../../../src/core/health/host-figures.ts'

const before: HostReading = {
  atMs: 0,
  cpuBusy: 100,
  cpuTotal: 1000,
  memoryTotalBytes: 1000,
  memoryFreeBytes: 400,
  sessions: 3,
  load1: 0.5,
  diskFreeBytes: 10,
  txBytes: 100,
  rxBytes: 200,
}

test.each([
  ['what was busy in between', { cpuBusy: 150, cpuTotal: 1100 }, { cpuPercent: 50 }],
  ['no time has passed', {}, { cpuPercent: 0 }],
  ['a counter that went back', { cpuBusy: 5, cpuTotal: 10 }, { cpuPercent: 0 }],
  ['memory in use', { memoryFreeBytes: 125 }, { memoryPercent: 87.5 }],
  ['network bytes', { txBytes: 150, rxBytes: 200 }, { txBytes: 50, rxBytes: 0 }],
  ['a network card that began anew', { txBytes: 30 }, { txBytes: 30 }],
  ['what a system does not tell', { sessions: null }, { sessions: null }],
] as const)('%s', (_name, change, figures) => {
  expect(figuresBetween(before, { ...before, ...change })).toMatchObject(figures)
})
