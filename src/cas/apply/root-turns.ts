/**
 * Whose set may be applied below a root: one at a time, since what one does there decides what the others find. Roots are
 * told apart by their paths, since only bindings of one policy may have the same.
 */
export class RootTurns {
  readonly #holders = new Map<string, object>()

  /** False while another has the turn. */
  take(path: string, holder: object): boolean {
    const now = this.#holders.get(path)
    if (now !== undefined && now !== holder) return false
    this.#holders.set(path, holder)
    return true
  }

  /** Gives the turn back; nothing where it is another's. */
  end(path: string, holder: object): void {
    if (this.#holders.get(path) === holder) this.#holders.delete(path)
  }
}
