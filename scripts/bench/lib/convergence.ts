import type { ApiClient } from '../../fleet/api-client.ts'
import type { Convergence } from '../../fleet/fleet.ts'

/** It is asked this often where no event tells that something has changed. */
const ASK_MS = 500

/**
 * Tells when a policy has converged, by the events of the master: asking in a short loop would itself be a good part of
 * what is measured. Must be made before what it waits for.
 */
export class ConvergenceWatch {
  readonly #api: ApiClient
  readonly #ending = new AbortController()
  #changed = Promise.withResolvers<void>()

  private constructor(api: ApiClient) {
    this.#api = api
  }

  /** `types` are those of the events after which it is asked: with many targets, `job` alone comes less often. */
  static async start(api: ApiClient, types = 'job,convergence'): Promise<ConvergenceWatch> {
    const watch = new ConvergenceWatch(api)
    const response = await fetch(`${api.baseUrl}/api/v1/events?types=${types}`, {
      headers: { authorization: `Bearer ${api.token}` },
      signal: watch.#ending.signal,
    })
    if (!response.ok || response.body === null) throw new Error(`no events: ${response.status}`)
    void watch.#read(response.body)
    return watch
  }

  /**
   * Resolves when every target holds the source's head, which lies above a seq that is already known; throws when the
   * time is over.
   */
  async converged(policyId: string, timeoutMs: number, knownSeq = -1): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const changed = this.#changed.promise
      const { converged, headSeq } = await this.#api.get<Convergence>(
        `/policies/${policyId}/convergence`,
      )
      if (converged && headSeq > knownSeq) return
      if (performance.now() > deadline) throw new Error(`policy ${policyId} did not converge`)
      await Promise.race([changed, Bun.sleep(ASK_MS)])
    }
  }

  stop(): void {
    this.#ending.abort()
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for await (const bytes of body) {
        if (!decoder.decode(bytes).includes('data:')) continue
        this.#changed.resolve()
        this.#changed = Promise.withResolvers<void>()
      }
    } catch (thrown) {
      if (!this.#ending.signal.aborted) throw thrown
    }
  }
}
