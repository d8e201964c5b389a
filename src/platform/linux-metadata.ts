import type { Metadata } from '../core/apply/target-tree.ts'
import { type Linux, errnoName } from './libc.ts'
import { EMPTY_NAME, nameAddress, timesAddress } from './linux-memory.ts'
import { AT_EMPTY_PATH, AT_FDCWD, UTIME_OMIT } from './linux-numbers.ts'

/** Whose metadata: a descriptor for content, or one that only stands for a path (O_PATH), possibly of a link. */
export interface MetadataOwner {
  readonly descriptor: number
  readonly isPath: boolean
}

/** Which change failed, as the verb of a message, and why. */
export interface MetadataFailure {
  readonly action: string
  readonly errno: string
}

/** Sets owner, then mode (a change of owner clears the set-id bits), then mtime; null where all went well. */
export function changeMetadata(
  kernel: Linux,
  owner: MetadataOwner,
  metadata: Metadata,
): MetadataFailure | null {
  const failed = (action: string): MetadataFailure => ({ action, errno: errnoName(kernel.errno()) })
  if (metadata.owner !== null && !changeOwner(kernel, owner, metadata.owner)) {
    return failed('change the owner of')
  }
  if (metadata.mode !== null && !changeMode(kernel, owner, metadata.mode)) {
    return failed('change the mode of')
  }
  if (metadata.mtimeNs !== null && !changeTime(kernel, owner, metadata.mtimeNs)) {
    return failed('change the modification time of')
  }
  return null
}

function changeOwner(
  { call, numbers }: Linux,
  { descriptor }: MetadataOwner,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): boolean {
  return call(numbers.fchownat, descriptor, EMPTY_NAME, uid, gid, AT_EMPTY_PATH, 0) === 0
}

function changeTime(
  { call, numbers }: Linux,
  { descriptor, isPath }: MetadataOwner,
  mtimeNs: bigint,
): boolean {
  const times = timesAddress(mtimeNs, UTIME_OMIT)
  return isPath
    ? call(numbers.utimensat, descriptor, EMPTY_NAME, times, AT_EMPTY_PATH, 0, 0) === 0
    : call(numbers.utimensat, descriptor, 0, times, 0, 0, 0) === 0
}

const withoutModeByPath = new WeakSet<Linux>()

function changeMode(kernel: Linux, owner: MetadataOwner, mode: number): boolean {
  const { call, numbers } = kernel
  const { descriptor } = owner
  if (!owner.isPath) return call(numbers.fchmod, descriptor, mode, 0, 0, 0, 0) === 0
  if (!withoutModeByPath.has(kernel)) {
    const done = call(numbers.fchmodat2, descriptor, EMPTY_NAME, mode, AT_EMPTY_PATH, 0, 0) === 0
    if (done || errnoName(kernel.errno()) !== 'ENOSYS') return done
    withoutModeByPath.add(kernel)
  }
  return changeModeThroughProc(kernel, owner, mode)
}

/** Kernels before 6.6 change a mode by O_PATH descriptor only this way, as the C libraries do. */
function changeModeThroughProc(
  { call, numbers }: Linux,
  { descriptor }: MetadataOwner,
  mode: number,
): boolean {
  const name = nameAddress(`/proc/self/fd/${descriptor}`)
  return call(numbers.fchmodat, AT_FDCWD, name, mode, 0, 0, 0) === 0
}

/** Whether this kernel sets times by O_PATH descriptor (5.8 and later do). Changes nothing. */
export function canSetTimesByPath({ call, numbers }: Linux, descriptor: number): boolean {
  const times = timesAddress(null, UTIME_OMIT)
  return call(numbers.utimensat, descriptor, EMPTY_NAME, times, AT_EMPTY_PATH, 0, 0) === 0
}
