import type { KubeObject } from '../../../../src/api/object.ts'
import type { Duration } from '../../../../src/api/values/time.ts'
import type { RunningContainer } from '../runtime/container.ts'
import { isOver, podHeadSchema } from '../spec/pod-schema.ts'
import type { NodeContext } from './context.ts'
import { beat, type NodeDescription, registerNode, startHeartbeat } from './heartbeat.ts'
import { PodWorker } from './pod-worker.ts'

/** A machine of the cluster that has a kubelet. */
export interface EmulatedNode {
  readonly name: string
  /** The power fails: heart-beats stop and every container dies, and nobody is told. `startNode` boots it again. */
  crash(): Promise<void>
  /**
   * It cannot reach the API server: no heart-beats, no news of pods; containers run on.
   * `podNetwork: 'down'` cuts its pods off too; networks of NetworkAttachmentDefinitions stay.
   */
  partition(options?: { podNetwork?: 'up' | 'down' }): Promise<void>
  /** The end of a partition. */
  heal(): Promise<void>
  /** Ends its containers and forgets it; the Node object stays. */
  stop(): Promise<void>
  /** What a container printed, over all its runs; also of pods that are gone, the latest of that name. */
  logs(pod: string, container: string): string
  /** All logs, for people. */
  allLogs(): string
  /** A container that runs now, e.g. to run a command in it. */
  container(pod: string, container: string): RunningContainer | undefined
  /** Keys of the pods that it has. */
  readonly pods: readonly string[]
}

/** How many pods that are gone keep their logs. */
const REMEMBERED = 200

export class NodeWithKubelet implements EmulatedNode {
  readonly #context: NodeContext
  readonly #description: NodeDescription
  readonly #workers = new Map<string, PodWorker>()
  #past: PodWorker[] = []
  #heartbeat: { stop(): Promise<void> } | undefined
  #isDead = false
  readonly #period: Duration
  readonly #listPods: () => readonly KubeObject[]

  constructor(
    context: NodeContext,
    description: NodeDescription,
    options: { period: Duration; listPods(): readonly KubeObject[] },
  ) {
    this.#context = context
    this.#description = description
    this.#period = options.period
    this.#listPods = options.listPods
  }

  get name(): string {
    return this.#context.nodeName
  }
  get pods(): readonly string[] {
    return [...this.#workers.values()].map((worker) => worker.key)
  }

  async start(): Promise<void> {
    const { api, clock, log } = this.#context
    await registerNode(api.store, this.#description, clock.now())
    this.#heartbeat = startHeartbeat({
      period: this.#period,
      clock,
      beat: async (now) => {
        if (this.#context.link.isUp) await beat(api.store, this.#description, now)
      },
      failed: (err) => log.debug({ err, node: this.name }, 'heart-beat failed'),
    })
    this.#look()
  }

  /** A pod changed, or is gone. */
  podChanged(object: KubeObject | undefined, previous: KubeObject | undefined): void {
    if (this.#isDead || !this.#context.link.isUp) return
    const before = previous?.metadata.uid
    // Also when another has its name already, and nobody told of its end.
    if (before !== undefined && before !== object?.metadata.uid) this.#drop(before)
    if (object !== undefined) this.#take(object)
  }

  endpointsChanged(): void {
    if (!this.#context.link.isUp) return
    for (const worker of this.#workers.values()) worker.refreshHosts()
  }

  async crash(): Promise<void> {
    this.#isDead = true
    const ends = [...this.#workers.values()].map((worker) => worker.crash())
    this.#context.link.end()
    await Promise.all([this.#heartbeat?.stop(), ...ends])
    this.#remember([...this.#workers.values()])
    this.#workers.clear()
  }

  async partition({ podNetwork = 'up' }: { podNetwork?: 'up' | 'down' } = {}): Promise<void> {
    this.#context.link.cut()
    if (podNetwork === 'down') await this.#setPodNetwork(false)
  }

  async heal(): Promise<void> {
    await this.#setPodNetwork(true)
    this.#context.link.restore()
    this.#look()
    this.endpointsChanged()
  }

  async stop(): Promise<void> {
    await this.crash()
    await this.#context.events.close()
  }

  logs(pod: string, container: string): string {
    return (
      this.#known
        .findLast((worker) => worker.key === pod && worker.logNames.includes(container))
        ?.logs(container) ?? ''
    )
  }

  allLogs(): string {
    return this.#known.map((worker) => `=== ${this.name}: ${worker.describe()}`).join('\n')
  }

  container(pod: string, container: string): RunningContainer | undefined {
    const worker = [...this.#workers.values()].find((one) => one.key === pod)
    return worker?.containers.find((one) => one.name === container)?.running
  }

  get #known(): PodWorker[] {
    return [...this.#past, ...this.#workers.values()]
  }

  /** Compares what it has with what there is. */
  #look(): void {
    const objects = this.#listPods()
    const present = new Set(objects.map((object) => object.metadata.uid))
    for (const uid of this.#workers.keys()) if (!present.has(uid)) this.#drop(uid)
    for (const object of objects) this.#take(object)
  }

  #take(object: KubeObject): void {
    const head = podHeadSchema.parse(object)
    if (head.spec.nodeName !== this.name) return
    const known = this.#workers.get(head.metadata.uid)
    const isDeleted = head.metadata.deletionTimestamp !== undefined
    // The API server may come back with an older state: what was deleted and has ended here is wanted again.
    const isWantedAgain = known?.hasEnded === true && !isDeleted && !isOver(head)
    if (known !== undefined && !isWantedAgain) return known.update(head)
    if (isOver(head) && !isDeleted) return
    if (known !== undefined) this.#remember([known])
    const worker = new PodWorker(this.#context, head)
    this.#workers.set(worker.uid, worker)
    worker.start()
  }

  #drop(uid: string): void {
    const worker = this.#workers.get(uid)
    if (worker === undefined) return
    void worker.gone().finally(() => {
      if (this.#workers.get(uid) !== worker) return
      this.#workers.delete(uid)
      this.#remember([worker])
      // It may be there again meanwhile.
      if (!this.#isDead && this.#context.link.isUp) this.#look()
    })
  }

  #remember(workers: readonly PodWorker[]): void {
    this.#past = [...this.#past, ...workers].slice(-REMEMBERED)
  }

  async #setPodNetwork(isUp: boolean): Promise<void> {
    const addresses = [...this.#workers.values()].flatMap((worker) => worker.address ?? [])
    await Promise.all(addresses.map((address) => this.#context.podNetwork.setConnected(address, isUp)))
  }
}
