import { AppError } from '../base/errors.ts'

/** What a root was when it was seen first: another folder under the same path is not this one. */
export interface KnownRoot {
  readonly inode: bigint
  /** 0 where the file system does not tell, or it was not asked. */
  readonly birthNs: bigint
  readonly isMountPoint: boolean
}

/**
 * Tells whether a folder is the known one. A new device number alone is no change: it comes with every mount. A file
 * system gives the same inode number to every root that it makes; the time of making tells them apart.
 */
export function isSameRoot(known: KnownRoot, found: KnownRoot): boolean {
  return (
    known.inode === found.inode &&
    known.isMountPoint === found.isMountPoint &&
    (known.birthNs === found.birthNs || known.birthNs === 0n || found.birthNs === 0n)
  )
}

/** Another folder lies at the path of a root than the known one. */
export class RootChanged extends AppError {
  readonly found: KnownRoot

  constructor(message: string, found: KnownRoot) {
    super('ROOT_CHANGED', message)
    this.found = found
  }

  /** Names the folder that lies there now, so that whoever accepts it accepts no other. */
  get fingerprint(): string {
    return rootFingerprint(this.found)
  }
}

/** Names a folder among all that could lie at one path. */
export function rootFingerprint({ inode, birthNs, isMountPoint }: KnownRoot): string {
  return `${isMountPoint ? 'mount' : 'folder'}-${inode}-${birthNs}`
}
