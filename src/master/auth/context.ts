import type { MasterContext } from '../context.ts'

/** What accounts need of the master; commands on a data folder have it without a running one. */
export type AuthContext = Pick<MasterContext, 'database' | 'clock'>
