/** The version of a program of the system, as it says it; null where it is not installed. */
export function versionOf(program: 'rsync' | 'syncthing' | 'lsyncd'): string | null {
  if (Bun.which(program) === null) return null
  const [said = ''] = Bun.spawnSync([program, '--version']).stdout.toString().split('\n')
  const number = /\d+\.\d+(?:\.\d+)?/.exec(said)?.[0] ?? 'of unknown version'
  return `${program} ${number}`
}
