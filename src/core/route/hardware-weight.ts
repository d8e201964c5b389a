/** What a host with this much has for its weight. */
const USUAL = { cpuCount: 4, memoryBytes: 8 * 2 ** 30, weight: 100 }
const WEIGHT_MIN = 10
const WEIGHT_MAX = 1000

/**
 * How much a server is to pass on beside others, by what it is made of, from 10 to 1000: 100 for four CPUs and 8 GiB, and in
 * proportion, CPUs and memory counting alike. What is not known counts as usual.
 */
export function hardwareWeight(host: {
  readonly cpuCount: number
  readonly memoryBytes: number
}): number {
  const cpus = (host.cpuCount || USUAL.cpuCount) / USUAL.cpuCount
  const memory = (host.memoryBytes || USUAL.memoryBytes) / USUAL.memoryBytes
  const weight = Math.round(USUAL.weight * Math.sqrt(cpus * memory))
  return Math.min(WEIGHT_MAX, Math.max(WEIGHT_MIN, weight))
}
