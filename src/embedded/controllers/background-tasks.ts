import type { Logger } from 'pino'
import { ApiError } from '../status.ts'

/** Work of the server's own controllers: nobody waits for it, and nothing in it may hurt anybody. */
export class BackgroundTasks {
  readonly #running = new Set<Promise<void>>()
  #closed = false

  constructor(private readonly log: Logger) {}

  run(task: () => Promise<void>): void {
    if (this.#closed) return
    const running = Promise.resolve()
      .then(task)
      .catch((error: unknown) => this.#report(error))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.settled()
  }

  #report(error: unknown): void {
    // Gone or changed meanwhile: whoever did that caused a new event.
    if (error instanceof ApiError && (error.code === 404 || error.code === 409)) return
    this.log.warn({ err: error }, 'background work of the embedded API failed')
  }
}
