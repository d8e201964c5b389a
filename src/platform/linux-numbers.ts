/** The kernel calls used here: x64 first, arm64 second. The numbers are part of Linux' promise to programs. */
const NUMBERS = {
  read: [0, 63],
  close: [3, 57],
  lseek: [8, 62],
  fcntl: [72, 25],
  ioctl: [16, 29],
  fchmod: [91, 52],
  getdents64: [217, 61],
  mkdirat: [258, 34],
  mknodat: [259, 33],
  fchownat: [260, 54],
  unlinkat: [263, 35],
  linkat: [265, 37],
  symlinkat: [266, 36],
  readlinkat: [267, 78],
  fchmodat: [268, 53],
  recvfrom: [45, 207],
  getsockopt: [55, 209],
  ppoll: [271, 73],
  utimensat: [280, 88],
  eventfd2: [290, 19],
  inotify_init1: [294, 26],
  inotify_add_watch: [254, 27],
  inotify_rm_watch: [255, 28],
  setxattr: [188, 5],
  fsetxattr: [190, 7],
  getxattr: [191, 8],
  fgetxattr: [193, 10],
  listxattr: [194, 11],
  flistxattr: [196, 13],
  removexattr: [197, 14],
  fremovexattr: [199, 16],
  syncfs: [306, 267],
  renameat2: [316, 276],
  copy_file_range: [326, 285],
  statx: [332, 291],
  openat: [257, 56],
  openat2: [437, 437],
  fchmodat2: [452, 452],
} as const

export type SystemCallName = keyof typeof NUMBERS
type Numbers = Readonly<Record<SystemCallName, number>>

const pick = (column: 0 | 1): Numbers =>
  Object.fromEntries(
    Object.entries(NUMBERS).map(([name, numbers]) => [name, numbers[column]]),
  ) as Numbers

export const CALL_NUMBERS: Readonly<Partial<Record<NodeJS.Architecture, Numbers>>> = {
  x64: pick(0),
  arm64: pick(1),
}

/** arm64 numbers some flags as the older 32-bit arm did. */
const isArm = process.arch === 'arm64'

export const O_RDONLY = 0
export const O_WRONLY = 1
export const O_CREAT = 0o100
export const O_EXCL = 0o200
export const O_NOCTTY = 0o400
export const O_NONBLOCK = 0o4000
export const O_DIRECTORY = isArm ? 0o40000 : 0o200000
export const O_NOFOLLOW = isArm ? 0o100000 : 0o400000
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000

export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const AT_REMOVEDIR = 0x200
export const AT_NO_AUTOMOUNT = 0x800
export const AT_EMPTY_PATH = 0x1000

export const F_SETSIG = 10
export const F_SETLEASE = 1024
export const F_RDLCK = 0
export const F_UNLCK = 2
/** Nothing happens to a process that gets it, unless it asked for that. */
export const SIGURG = 23

export const MSG_PEEK = 0x2
export const MSG_DONTWAIT = 0x40

export const RESOLVE_NO_MAGICLINKS = 2
export const RESOLVE_NO_SYMLINKS = 4
export const RESOLVE_BENEATH = 8

export const RENAME_NOREPLACE = 1

export const SEEK_SET = 0
export const SEEK_END = 2
export const SEEK_DATA = 3
export const SEEK_HOLE = 4

export const UTIME_OMIT = 0x3ffffffen
export const FICLONE = 0x40049409
