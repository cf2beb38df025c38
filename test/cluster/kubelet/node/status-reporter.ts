import { isDeepStrictEqual } from 'node:util'
import { milliseconds } from '../../../../src/api/values/time.ts'
import { ConflictError, NotFoundError } from '../../../../src/kube/errors.ts'
import { sleep } from '../../../../src/runtime/clock.ts'
import type { PodHead } from '../spec/pod-schema.ts'
import type { NodeContext } from './context.ts'

const RETRY = milliseconds(500)

/** Writes the status of one pod: always the latest state, what came between may be left out. */
export class StatusReporter {
  readonly #context: Pick<NodeContext, 'api' | 'link' | 'clock' | 'log'>
  readonly #look: () => { pod: PodHead; status: unknown } | undefined
  #running: Promise<void> | undefined
  #isDue = false
  #written: unknown

  /** @param look what is to be written now; undefined when nobody is to be told any more */
  constructor(
    context: Pick<NodeContext, 'api' | 'link' | 'clock' | 'log'>,
    look: () => { pod: PodHead; status: unknown } | undefined,
  ) {
    this.#context = context
    this.#look = look
  }

  changed(): void {
    this.#isDue = true
    this.#running ??= this.#writeAll().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when what is known now is written. */
  async flushed(): Promise<void> {
    await this.#running
  }

  async #writeAll(): Promise<void> {
    const { api, link, clock, log } = this.#context
    while (this.#isDue) {
      await link.whenUp()
      this.#isDue = false
      const seen = this.#look()
      if (seen === undefined || isDeepStrictEqual(seen.status, this.#written)) continue
      try {
        await api.patchStatus(seen.pod, seen.status)
        this.#written = seen.status
      } catch (err) {
        if (err instanceof NotFoundError || err instanceof ConflictError) continue
        log.debug({ err, pod: seen.pod.metadata.name }, 'status not written')
        this.#isDue = true
        await sleep(clock, RETRY)
      }
    }
  }
}
