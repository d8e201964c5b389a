import { count, isNull } from 'drizzle-orm'

import type { Limits } from '../../core/license/limits.ts'
import type { Reader } from '../db/database.ts'
import { groups, regions, servers } from '../db/schema.ts'

/** How much of each limit is in use. A revoked server uses nothing; one that is down or drained still does. */
export async function countLicensedUse(reader: Reader): Promise<Limits> {
  const [regionRow] = await reader.select({ value: count() }).from(regions)
  const [groupRow] = await reader.select({ value: count() }).from(groups)
  const granted = await reader
    .select({ roles: servers.roles })
    .from(servers)
    .where(isNull(servers.revokedAtMs))
  const withRole = (role: 'cas' | 'cms') =>
    granted.filter(({ roles }) => roles.includes(role)).length
  return {
    regions: regionRow?.value ?? 0,
    groups: groupRow?.value ?? 0,
    cas: withRole('cas'),
    cms: withRole('cms'),
  }
}
