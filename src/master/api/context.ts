import type { MasterContext } from '../context.ts'
import type { LicenseService } from '../license/license-service.ts'

/** What the admin listener needs: the master, and the licence with its files. */
export interface AdminContext extends MasterContext {
  readonly licensing: Licensing
}

export type Licensing = Pick<LicenseService, 'view' | 'add' | 'installRequest' | 'assertLicensed'>
