import type { RequestsUnderWay } from './process.ts'
import type { ApiRequest } from './simulated-store.ts'

/** Renewing a Lease, telling an event: going on all the time. */
export const ROUTINE = /leases|events/

/** What processes wait for an answer to. */
export class RequestLog implements RequestsUnderWay {
  readonly #waiting = new Map<string, ApiRequest[]>()

  leaving(request: ApiRequest): void {
    if (ROUTINE.test(request.what)) return
    const known = this.#waiting.get(request.process)
    if (known === undefined) this.#waiting.set(request.process, [request])
    else known.push(request)
  }

  heard(request: ApiRequest): void {
    const known = this.#waiting.get(request.process)
    const index = known?.indexOf(request) ?? -1
    if (index >= 0) known?.splice(index, 1)
  }

  forget(process: string): void {
    this.#waiting.delete(process)
  }

  doing(process: string): string | undefined {
    const waiting = this.#waiting.get(process) ?? []
    const chosen = waiting.find(({ isWrite }) => isWrite) ?? waiting[0]
    return chosen?.what
  }
}
