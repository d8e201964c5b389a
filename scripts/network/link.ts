import { readFileSync } from 'node:fs'

import type { Namespace } from './namespace.ts'

/** One side of a link: a device in a network. */
export interface LinkEnd {
  readonly namespace: Namespace
  readonly device: string
}

/** Bytes that may go at once, and how long what is beyond them may wait. */
const BURST = ['burst', '128kb', 'latency', '100ms']

/** A cable between two networks, held to the same rate in both directions. */
export class Link {
  readonly name: string
  readonly ends: readonly [LinkEnd, LinkEnd]
  /** Null for one without a limit. */
  readonly mbitPerS: number | null

  constructor(name: string, ends: readonly [LinkEnd, LinkEnd], mbitPerS: number | null) {
    this.name = name
    this.ends = ends
    this.mbitPerS = mbitPerS
    const [near, far] = ends
    const where = ['netns', String(far.namespace.pid === 'self' ? process.pid : far.namespace.pid)]
    const peer = ['peer', 'name', far.device, ...where]
    near.namespace.run('ip', 'link', 'add', near.device, 'type', 'veth', ...peer)
    for (const { namespace, device } of ends) namespace.run('ip', 'link', 'set', device, 'up')
    this.restore()
  }

  /** Lets nothing through any more, in neither direction; nobody is told. */
  cut(): void {
    this.#shape('blackhole')
  }

  /** As it was. */
  restore(): void {
    if (this.mbitPerS === null) this.#shape('pfifo', 'limit', '1000')
    else this.#shape('tbf', 'rate', `${this.mbitPerS}mbit`, ...BURST)
  }

  /** What has come through to one of its ends. */
  bytesInto(end: LinkEnd): number {
    const lines = readFileSync(`/proc/${end.namespace.pid}/net/dev`, 'utf8').split('\n')
    const line = lines.find((one) => one.trim().startsWith(`${end.device}:`)) ?? ''
    return Number(line.split(':')[1]?.trim().split(/\s+/)[0] ?? Number.NaN)
  }

  #shape(...discipline: readonly string[]): void {
    for (const { namespace, device } of this.ends)
      namespace.run('tc', 'qdisc', 'replace', 'dev', device, 'root', ...discipline)
  }
}
