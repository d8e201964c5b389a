import { FFIType, dlopen, ptr, read } from 'bun:ffi'
import { constants } from 'node:os'

import { AppError } from '../core/base/errors.ts'
import { CALL_NUMBERS, type SystemCallName } from './linux-numbers.ts'

/**
 * The one way into the Linux kernel: libc's `syscall`, because it is the same in glibc and musl of any age, while their
 * wrappers for newer calls are not. Every argument is a number: a descriptor, a flag, a length or an address.
 */
const SYMBOLS = {
  syscall: {
    args: [
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
      FFIType.i64_fast,
    ],
    returns: FFIType.i64_fast,
  },
  __errno_location: { args: [], returns: FFIType.ptr },
} as const

/** All results fit a number: descriptors, lengths, or -1. */
type RawCall = (...numberAndSixArguments: SevenNumbers) => number
type SevenNumbers = [number, number, number, number, number, number, number]

export interface Linux {
  /** Takes a number of `numbers` and six arguments (0 where there are fewer); gives the result, -1 on failure. */
  readonly call: RawCall
  readonly numbers: Readonly<Record<SystemCallName, number>>
  /** Why the last call of this thread failed. Read it before anything else is called. */
  errno(): number
}

let opened: Linux | null = null

/** Opens libc on Linux for x64 or arm64; PLATFORM_UNSUPPORTED elsewhere, and where the runtime may not make code. */
export function linux(): Linux {
  opened ??= open()
  return opened
}

function open(): Linux {
  const numbers = process.platform === 'linux' ? CALL_NUMBERS[process.arch] : undefined
  if (numbers === undefined) {
    const host = `${process.platform} on ${process.arch}`
    throw new AppError('PLATFORM_UNSUPPORTED', `cannot call the kernel: ${host} is not supported`)
  }
  const symbols = openLibc()
  const location = symbols.__errno_location()
  if (location === null) throw new AppError('PLATFORM_UNSUPPORTED', 'cannot find errno in libc')
  // A thread's errno stays where it is, and each Worker has this module for itself.
  return { call: symbols.syscall as RawCall, numbers, errno: () => read.i32(location, 0) }
}

const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1', 'libc.so']

function openLibc(): ReturnType<typeof dlopen<typeof SYMBOLS>>['symbols'] {
  const causes: unknown[] = []
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, SYMBOLS).symbols
    } catch (error) {
      causes.push(error)
    }
  }
  const first = causes[0] instanceof Error ? causes[0].message : 'unknown'
  const message = `cannot open the C library (with systemd, MemoryDenyWriteExecute must be off): ${first}`
  throw new AppError('PLATFORM_UNSUPPORTED', message, { cause: causes })
}

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]))

/** Gives the name (`ENOENT`) of an error number. */
export function errnoName(number: number): string {
  return ERRNO_NAMES.get(number) ?? `errno ${number}`
}

/** Gives the address of bytes for a call. They must be kept in a variable until the call has returned. */
export function addressOf(bytes: Uint8Array): number {
  return bytes.length === 0 ? 0 : ptr(bytes)
}
