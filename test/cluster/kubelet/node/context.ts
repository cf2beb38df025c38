import type { Logger } from 'pino'
import type { Duration } from '../../../../src/api/values/time.ts'
import type { EventRecorder } from '../../../../src/kube/event-recorder.ts'
import type { Clock } from '../../../../src/runtime/clock.ts'
import type { Networks } from '../runtime/networks.ts'
import type { PodNetwork } from '../runtime/pod-network.ts'
import type { EndpointSlice } from '../spec/hosts-file.ts'
import type { ImageTable } from '../spec/image.ts'
import type { KubeletApi } from './kubelet-api.ts'

/** What the pods of a node are made of. */
export interface NodeContext {
  readonly nodeName: string
  readonly nodeAddress: string
  readonly api: KubeletApi
  readonly events: EventRecorder
  readonly images: ImageTable
  readonly podNetwork: PodNetwork
  readonly networks: Networks
  /** NetworkAttachmentDefinitions that lead nowhere on this node. */
  lacksNetwork(key: string): boolean
  /** For the pods' files. */
  readonly folder: string
  readonly apiServer: { readonly host: string; readonly port: number }
  readonly restartBackoff: { readonly first: Duration; readonly longest: Duration }
  readonly clock: Clock
  readonly log: Logger
  endpointSlices(): readonly EndpointSlice[]
  readonly link: ApiLink
}

/** Whether this node can talk to the API server; cut by a partition. */
export class ApiLink {
  #state: 'up' | 'down' | 'gone' = 'up'
  readonly #waiting = new Set<() => void>()

  get isUp(): boolean {
    return this.#state === 'up'
  }

  cut(): void {
    if (this.#state === 'up') this.#state = 'down'
  }

  restore(): void {
    if (this.#state === 'down') this.#become('up')
  }

  /** For good: whoever waits is let go, to find that nothing is wanted any more. */
  end(): void {
    this.#become('gone')
  }

  whenUp(): Promise<void> {
    if (this.#state !== 'down') return Promise.resolve()
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  #become(state: 'up' | 'gone'): void {
    this.#state = state
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
