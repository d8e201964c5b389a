import { AppError, ERRORS, toAppError } from '../../core/base/errors.ts'
import { enrolRequest } from '../../core/wire/enrolment.ts'
import type { MasterContext } from '../context.ts'
import { enrolAgent } from '../enrolment.ts'

/** Failed tries from one address within a minute before it has to wait. */
const FAILURES_MAX = 20
const WINDOW_MS = 60_000
/** Addresses remembered at a time; guessing 256 bits is hopeless from any number of them. */
const ADDRESSES_MAX = 10_000

/** `POST /enroll`: the answer is the enrolment's, or a problem with its code. */
export class EnrolmentRoute {
  readonly #context: MasterContext
  readonly #failures = new Map<string, { count: number; untilMs: number }>()

  constructor(context: MasterContext) {
    this.#context = context
  }

  async handle(request: Request, address: string): Promise<Response> {
    try {
      this.#assertPatient(address)
      const body = enrolRequest.safeParse(await readJson(request))
      if (!body.success) {
        const [issue] = body.error.issues
        const where = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
        throw new AppError('INVALID_REQUEST', `cannot enrol: the request is not valid: ${where}`)
      }
      const answer = await enrolAgent(this.#context, body.data)
      const { serverId } = answer
      this.#context.log.info('agent enrolled', { serverId, name: body.data.name, address })
      return Response.json(answer, { status: 201 })
    } catch (thrown) {
      return this.#problem(thrown, address)
    }
  }

  #problem(thrown: unknown, address: string): Response {
    const { code, message } = toAppError(thrown)
    const level = code === 'INTERNAL' ? 'error' : 'warn'
    this.#context.log[level]('enrolment refused', { address, code, error: thrown })
    if (code.startsWith('TOKEN_')) this.#countFailure(address)
    const { status, action } = ERRORS[code]
    const detail = code === 'INTERNAL' ? 'cannot enrol: the master failed' : message
    const headers = { 'content-type': 'application/problem+json' }
    return Response.json({ code, detail, action, status }, { status, headers })
  }

  #assertPatient(address: string): void {
    const known = this.#failures.get(address)
    if (known === undefined || known.count < FAILURES_MAX) return
    if (known.untilMs > this.#context.clock.nowMs()) {
      throw new AppError('TOO_MANY_ATTEMPTS', 'cannot enrol: too many failed tries, wait a minute')
    }
    this.#failures.delete(address)
  }

  #countFailure(address: string): void {
    const nowMs = this.#context.clock.nowMs()
    const known = this.#failures.get(address)
    const count = known === undefined || known.untilMs <= nowMs ? 1 : known.count + 1
    this.#failures.delete(address)
    this.#failures.set(address, { count, untilMs: nowMs + WINDOW_MS })
    const [oldest] = this.#failures.keys()
    if (this.#failures.size > ADDRESSES_MAX && oldest !== undefined) this.#failures.delete(oldest)
  }
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json()
  } catch {
    // The schema says what is wrong with nothing.
    return null
  }
}
