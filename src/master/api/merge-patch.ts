type Json = Readonly<Record<string, unknown>>

/** Members whose null is a value of their own, so that a patch sets it in place of removing the member. */
const NULL_IS_VALUE = new Set(['maxDelete.count', 'maxDelete.percent', 'schedule'])

/** Applies a patch as RFC 7396 has it: objects member by member, null removes, all else replaces. */
export function mergePatch(target: unknown, patch: unknown, at = ''): unknown {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    const path = at === '' ? name : `${at}.${name}`
    if (value === null && !NULL_IS_VALUE.has(path)) delete merged[name]
    else merged[name] = mergePatch(merged[name], value, path)
  }
  return merged
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
