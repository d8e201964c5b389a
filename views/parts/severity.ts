/** From the best to the worst. */
const SEVERITY = ['converged', 'waiting', 'unknown', 'behind', 'held', 'failed']

/** How bad a state of convergence is: the higher, the sooner somebody must look. */
export function severity(state: string): number {
  return SEVERITY.indexOf(state)
}

/** The same in an order in which what needs somebody comes first; what is equal stays in its order. */
export function worstFirst<T extends { readonly state: string }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => severity(b.state) - severity(a.state))
}
