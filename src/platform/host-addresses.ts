import { networkInterfaces } from 'node:os'

import type { HostPort } from './cli-options.ts'

/**
 * Which of this host's addresses the kernel would use to reach another: by connecting a datagram socket, which sends
 * nothing. The host is a name or an address, in a URL's brackets or not. Null where there is no way.
 */
export async function localAddressTowards(host: string, port: number): Promise<string | null> {
  try {
    const hostname = host.replace(/^\[(.*)\]$/, '$1')
    const socket = await Bun.udpSocket({ connect: { hostname, port } })
    const { address } = socket.address
    socket.close()
    return address
  } catch {
    // No route or no such host: the interfaces' addresses are all there is to tell.
    return null
  }
}

/** The addresses of this host's interfaces: those that others can reach first, loopback last, link-local ones never. */
export function interfaceAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  const reachable = all.filter(({ address }) => !/^(fe80:|169\.254\.)/i.test(address))
  const rank = (entry: { internal: boolean; family: string }) =>
    (entry.internal ? 2 : 0) + (entry.family === 'IPv4' ? 0 : 1)
  return reachable.toSorted((left, right) => rank(left) - rank(right)).map(({ address }) => address)
}

/** By which address this host itself reaches what listens at one. */
export function addressOnThisHost({ host, port }: HostPort): HostPort {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port }
  return { host: host === '::' ? '::1' : host, port }
}
