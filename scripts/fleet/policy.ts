import { join } from 'node:path'

import type { Fleet, FleetAgent } from './fleet.ts'

/** Makes an enabled realtime policy from one agent's folder to a folder on each of the others; gives its id. */
export async function distribute(
  fleet: Fleet,
  options: {
    name: string
    /** One or several. */
    source: FleetAgent | readonly FleetAgent[]
    targets: readonly FleetAgent[]
    folder: string
    hops?: readonly Readonly<Record<string, unknown>>[]
    /** Further fields of the policy. */
    more?: Readonly<Record<string, unknown>>
  },
): Promise<string> {
  const place = (agent: FleetAgent) => {
    return { serverId: agent.serverId, path: folderOf(fleet, agent, options.folder) }
  }
  const policy = await fleet.api.post<{ id: string }>('/policies', {
    name: options.name,
    enabled: true,
    ...(options.hops === undefined ? {} : { hops: options.hops }),
    ...options.more,
    sources: [options.source].flat().map(place),
    targets: options.targets.map(place),
  })
  return policy.id
}

/** Where an agent's files of the fleet lie. */
export function folderOf(fleet: Fleet, agent: FleetAgent, folder: string): string {
  return join(fleet.directory, 'files', agent.name, folder)
}
