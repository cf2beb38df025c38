import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Duration, formatInstant, milliseconds, seconds } from '../../../../src/api/values/time.ts'
import { ConflictError, NotFoundError } from '../../../../src/kube/errors.ts'
import { sleep } from '../../../../src/runtime/clock.ts'
import { LogBuffer } from '../runtime/log-buffer.ts'
import type { Container } from '../spec/container-schema.ts'
import {
  isOver,
  type Pod,
  type PodHead,
  type PodStatus,
  parsePod,
  UnsupportedPodError,
} from '../spec/pod-schema.ts'
import { containerOptions } from './container-options.ts'
import { ContainerRunner } from './container-runner.ts'
import type { NodeContext } from './context.ts'
import { PayloadReader } from './payload.ts'
import { PodEtc } from './pod-etc.ts'
import { podField } from './pod-fields.ts'
import { podStatus, refusedStatus } from './pod-status.ts'
import { PODS } from './resources.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'
import { StatusReporter } from './status-reporter.ts'
import { PodVolumes } from './volumes.ts'

const RETRY = milliseconds(500)
const VOLUME_REFRESH = seconds(2)
/** What kubelet gives a pod whose object is gone. */
const ORPHAN_GRACE = seconds(1)
/** What one gets here whose end somebody else wrote into its status. */
const DECLARED_END_GRACE = seconds(1)

/** One pod on a node, from its first sight to its end. */
export class PodWorker {
  readonly #context: NodeContext
  readonly #logs = new Map<string, LogBuffer>()
  readonly #folder: string
  readonly #etcFolder: string
  readonly #startTime: string
  readonly #initRunners: ContainerRunner[] = []
  readonly #runners: ContainerRunner[] = []
  #head: PodHead
  #sandbox: Sandbox | undefined
  #life: Promise<void> = Promise.resolve()
  #ending: Promise<void> | undefined
  #isEnding = false
  /** The grace period of the deletion that it heard of. */
  #grace: number | undefined
  /** Why it does not get on. */
  #problem = ''
  #isSilent = false
  #isGone = false
  #stopRefreshing: () => void = () => {}
  #isInitialized = false
  #isOver = false
  #hasEnded = false
  #etc: PodEtc | undefined
  #status: (present: PodHead) => PodStatus = () => ({})
  #deleting: Promise<void> | undefined
  readonly #reporter: StatusReporter

  constructor(context: NodeContext, head: PodHead) {
    this.#context = context
    this.#head = head
    this.#folder = join(context.folder, head.metadata.uid)
    this.#etcFolder = join(this.#folder, 'etc')
    this.#startTime = formatInstant(context.clock.now())
    this.#reporter = new StatusReporter(context, {
      seen: () => (this.#isSilent || this.#isGone ? undefined : this.#head),
      wanted: (present) => this.#status(present),
    })
  }

  get key(): string {
    return `${this.#head.metadata.namespace}/${this.#head.metadata.name}`
  }
  get uid(): string {
    return this.#head.metadata.uid
  }
  get address(): string | undefined {
    return this.#sandbox?.address
  }
  /** Whether it was ended, and nothing of it is left. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }
  get containers(): readonly ContainerRunner[] {
    return [...this.#initRunners, ...this.#runners]
  }

  logs(container: string): string {
    return this.#logs.get(container)?.text ?? ''
  }
  get logNames(): string[] {
    return [...this.#logs.keys()]
  }

  /** For people: how its containers are, and what they printed. */
  describe(): string {
    const parts = this.containers.map(
      (one) => `--- ${one.name}: ${JSON.stringify(one.state)}\n${this.logs(one.name)}`,
    )
    return [`${this.key} ${this.#problem}`, ...parts].join('\n')
  }

  start(): void {
    this.#life = this.#live().catch((err) =>
      this.#context.log.error({ err, pod: this.key }, 'pod worker failed'),
    )
    this.update(this.#head)
  }

  /** The object as it is now. */
  update(head: PodHead): void {
    this.#head = head
    this.#reporter.changed()
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = head.metadata
    if (deletionTimestamp === undefined) {
      if (isOver(head) && !this.#isOver) void this.#end(DECLARED_END_GRACE)
      return
    }
    if (deletionGracePeriodSeconds !== this.#grace) {
      this.#grace = deletionGracePeriodSeconds
      void this.#end(seconds(deletionGracePeriodSeconds))
    }
    this.#deleting ??= this.#deleteObject().finally(() => {
      this.#deleting = undefined
    })
  }

  /** The object is no more. */
  async gone(): Promise<void> {
    this.#isGone = true
    await this.#end(ORPHAN_GRACE)
  }

  /** Ends it at once; nobody is told. */
  async crash(): Promise<void> {
    this.#isSilent = true
    await this.#end(milliseconds(0))
  }

  /** The names of Services lead elsewhere. */
  refreshHosts(): void {
    if (!this.#isEnding) this.#etc?.writeHosts(this.#context.endpointSlices())
  }

  async #live(): Promise<void> {
    const pod = this.#parse()
    if (pod === undefined) return
    this.#status = (present) => this.#statusOf(pod, present)
    this.#reporter.changed()
    const volumes = this.#volumesOf(pod)
    await this.#persist('FailedMount', () => volumes.prepare())
    await this.#persist('FailedCreatePodSandBox', async () => {
      this.#sandbox = await createSandbox(pod, this.#context)
    })
    const sandbox = this.#sandbox
    if (sandbox === undefined || this.#isEnding) return
    const { namespace, name } = pod.metadata
    const names = { namespace, hostname: pod.spec.hostname ?? name, address: sandbox.address }
    this.#etc = new PodEtc(this.#etcFolder, names)
    this.refreshHosts()
    this.#reporter.changed()
    const refreshing = this.#refresh(volumes)
    if (await this.#initialize(pod, sandbox, volumes)) {
      const { restartPolicy } = pod.spec
      const restart = { Always: 'always', OnFailure: 'on-failure', Never: 'never' } as const
      for (const container of pod.spec.containers) {
        this.#runners.push(this.#runner(pod, sandbox, volumes, container, restart[restartPolicy]))
      }
      await Promise.all(this.#runners.map((runner) => runner.run()))
    }
    this.#isOver = !this.#isEnding
    if (this.#isOver) await Promise.all(this.#initRunners.map((runner) => runner.stop(seconds(1))))
    this.#reporter.changed()
    this.#stopRefreshing()
    await refreshing
  }

  /** Init containers one after another; a sidecar only has to have started. @returns whether the pod may go on */
  async #initialize(pod: Pod, sandbox: Sandbox, volumes: PodVolumes): Promise<boolean> {
    for (const container of pod.spec.initContainers) {
      const isSidecar = container.restartPolicy === 'Always'
      const restart = isSidecar ? 'always' : pod.spec.restartPolicy === 'Never' ? 'never' : 'on-failure'
      const runner = this.#runner(pod, sandbox, volumes, container, restart)
      this.#initRunners.push(runner)
      const life = runner.run()
      if (isSidecar)
        while (!runner.isStarted && !this.#isEnding) await sleep(this.#context.clock, milliseconds(50))
      else await life
      if (this.#isEnding) return false
      if (!isSidecar && runner.terminated?.exitCode !== 0) return false
    }
    this.#isInitialized = true
    return true
  }

  #runner(
    pod: Pod,
    sandbox: Sandbox,
    volumes: PodVolumes,
    container: Container,
    restart: 'always' | 'on-failure' | 'never',
  ): ContainerRunner {
    const logs = new LogBuffer()
    this.#logs.set(container.name, logs)
    const { clock, restartBackoff } = this.#context
    return new ContainerRunner({
      container,
      restart,
      address: sandbox.address,
      gracePeriod: seconds(pod.spec.terminationGracePeriodSeconds),
      clock,
      backoff: restartBackoff,
      logs,
      prepare: () =>
        containerOptions({
          context: this.#context,
          pod,
          container,
          sandbox,
          volumes,
          folder: this.#folder,
          etcFolder: this.#etcFolder,
        }),
      changed: () => this.#reporter.changed(),
      event: (type, reason, message) => this.#event(type, reason, message),
    })
  }

  #parse(): Pod | undefined {
    try {
      return parsePod(this.#head)
    } catch (error) {
      if (!(error instanceof UnsupportedPodError)) throw error
      const { message } = error
      this.#problem = message
      this.#context.log.error({ pod: this.key }, message)
      this.#event('Warning', 'UnsupportedByEmulatedKubelet', message)
      this.#status = (present) => refusedStatus(present, 'UnsupportedByEmulatedKubelet', message)
      this.#reporter.changed()
      return undefined
    }
  }

  #volumesOf(pod: Pod): PodVolumes {
    const { api, clock } = this.#context
    const field = (path: string) =>
      podField(pod, path, { pod: this.#sandbox?.address ?? '', host: this.#context.nodeAddress })
    const reader = new PayloadReader({ api, pod, clock, field })
    return new PodVolumes(
      join(this.#folder, 'volumes'),
      pod.spec.volumes,
      reader,
      pod.spec.securityContext.fsGroup,
    )
  }

  /** Tries until it works or the pod ends. */
  async #persist(reason: string, attempt: () => Promise<void>): Promise<void> {
    while (!this.#isEnding) {
      try {
        await this.#context.link.whenUp()
        if (!this.#isEnding) await attempt()
        return
      } catch (error) {
        this.#problem = error instanceof Error ? error.message : String(error)
        this.#event('Warning', reason, this.#problem)
        await sleep(this.#context.clock, RETRY)
      }
    }
  }

  /** Secrets and ConfigMaps show in their volumes when they change. */
  async #refresh(volumes: PodVolumes): Promise<void> {
    let isDone = false
    while (!isDone) {
      await new Promise<void>((resolve) => {
        const cancel = this.#context.clock.after(VOLUME_REFRESH, resolve)
        this.#stopRefreshing = () => {
          isDone = true
          cancel()
          resolve()
        }
      })
      if (isDone || !this.#context.link.isUp) continue
      await volumes
        .prepare()
        .catch((err) => this.#context.log.debug({ err, pod: this.key }, 'volumes stay as they are'))
    }
  }

  /** Again with another grace period: what ends already has no longer than that. */
  #end(grace: Duration): Promise<void> {
    if (this.#ending !== undefined) void Promise.all(this.containers.map((runner) => runner.stop(grace)))
    this.#ending ??= this.#terminate(grace)
    return this.#ending
  }

  async #terminate(grace: Duration): Promise<void> {
    this.#isEnding = true
    await Promise.all(this.#runners.map((runner) => runner.stop(grace)))
    for (const sidecar of this.#initRunners.toReversed()) await sidecar.stop(grace)
    await this.#life
    // One that was being made while the pod ended is there now.
    await Promise.all(this.containers.map((runner) => runner.stop(milliseconds(0))))
    await this.#sandbox?.namespace.close()
    rmSync(this.#folder, { recursive: true, force: true })
    if (this.#isSilent || this.#isGone) return
    this.#isOver = true
    this.#hasEnded = true
    this.#reporter.changed()
  }

  /** When it has ended, and said so. */
  async #deleteObject(): Promise<void> {
    await this.#ending
    await this.#reporter.flushed()
    while (!this.#isSilent && !this.#isGone) {
      try {
        await this.#context.link.whenUp()
        if (!this.#isSilent && !this.#isGone) await this.#context.api.deletePod(this.#head)
        return
      } catch (error) {
        if (error instanceof NotFoundError || error instanceof ConflictError) return
        await sleep(this.#context.clock, RETRY)
      }
    }
  }

  #statusOf(pod: Pod, present: PodHead): PodStatus {
    const view = {
      hostAddress: this.#context.nodeAddress,
      startTime: this.#startTime,
      address: this.#sandbox?.address,
      initContainers: this.#initRunners,
      containers: this.#runners,
      isInitialized: this.#isInitialized,
      isOver: this.#isOver,
      now: formatInstant(this.#context.clock.now()),
    }
    return podStatus(pod, view, present)
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.log.debug({ pod: this.key, reason }, message)
    if (this.#isSilent || !this.#context.link.isUp) return
    const { namespace, name, uid } = this.#head.metadata
    this.#context.events.record({ resource: PODS, namespace, name, uid }, { type, reason, message })
  }
}
