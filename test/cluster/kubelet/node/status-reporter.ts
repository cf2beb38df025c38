import { milliseconds } from '../../../../src/api/values/time.ts'
import { ConflictError, NotFoundError } from '../../../../src/kube/errors.ts'
import { sleep } from '../../../../src/runtime/clock.ts'
import type { PodHead, PodStatus } from '../spec/pod-schema.ts'
import { agrees } from '../spec/status-agreement.ts'
import type { NodeContext } from './context.ts'
import type { KubeletApi } from './kubelet-api.ts'

const RETRY = milliseconds(500)

type Surroundings = Pick<NodeContext, 'link' | 'clock' | 'log'> & {
  readonly api: Pick<KubeletApi, 'readPod' | 'patchStatus'>
}

/** The pod whose status is written. */
export interface ReportedPod {
  /** As the API server told of it last; undefined when nobody is to be told any more. */
  seen(): PodHead | undefined
  /** What its status should be, where this is what the API server has. */
  wanted(present: PodHead): PodStatus
}

/**
 * Brings the status in the API to what it should be, and keeps it there: what others write into it (the node lifecycle
 * controller, when it has not heard of the node) is put right, as by the status manager of kubelet (`needsReconcile`).
 * It goes by what the API server has, never by what was written before. What came between may be left out.
 */
export class StatusReporter {
  readonly #context: Surroundings
  readonly #pod: ReportedPod
  #running: Promise<void> | undefined
  #isDue = false

  constructor(context: Surroundings, pod: ReportedPod) {
    this.#context = context
    this.#pod = pod
  }

  /** To be called whenever the pod is another on the node, or in the API. */
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
    const { link, clock, log } = this.#context
    while (this.#isDue) {
      await link.whenUp()
      this.#isDue = false
      const seen = this.#pod.seen()
      // One that the API server has changed since is told of soon.
      if (seen === undefined || agrees(seen.status, this.#pod.wanted(seen))) continue
      try {
        await this.#write(seen)
      } catch (err) {
        // That it is gone is told of soon, too.
        if (err instanceof NotFoundError) continue
        this.#isDue = true
        if (err instanceof ConflictError) continue
        log.debug({ err, pod: seen.metadata.name }, 'status not written')
        await sleep(clock, RETRY)
      }
    }
  }

  /** @throws ConflictError when another wrote at the same time: lists of conditions are written as a whole */
  async #write(seen: PodHead): Promise<void> {
    const { api } = this.#context
    const present = await api.readPod(seen)
    if (this.#pod.seen() === undefined) return
    const wanted = this.#pod.wanted(present)
    if (!agrees(present.status, wanted)) await api.patchStatus(present, wanted)
  }
}
