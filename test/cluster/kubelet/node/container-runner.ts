import {
  type Duration,
  formatInstant,
  type Instant,
  milliseconds,
  seconds,
} from '../../../../src/api/values/time.ts'
import type { Clock } from '../../../../src/runtime/clock.ts'
import {
  type ContainerOptions,
  ContainerStartError,
  type RunningContainer,
  startContainer,
} from '../runtime/container.ts'
import type { LogBuffer } from '../runtime/log-buffer.ts'
import type { Container } from '../spec/container-schema.ts'
import { ContainerConfigError } from '../spec/identity.ts'
import { runProbe } from './prober.ts'

export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated }

export interface Terminated {
  readonly exitCode: number
  readonly reason: 'Completed' | 'Error'
  readonly startedAt: string
  readonly finishedAt: string
}

/** No such image here (kubelet's ErrImagePull). */
export class ImageMissingError extends Error {
  override readonly name = 'ImageMissingError'
}

export interface RunnerOptions {
  readonly container: Container
  readonly restart: 'always' | 'on-failure' | 'never'
  readonly address: string
  readonly gracePeriod: Duration
  readonly clock: Clock
  readonly backoff: { readonly first: Duration; readonly longest: Duration }
  readonly logs: LogBuffer
  /** What its next run is made of. @throws ContainerConfigError @throws ImageMissingError */
  prepare(): Promise<Omit<ContainerOptions, 'output'>>
  /** Its state is another now. */
  changed(): void
  event(type: 'Normal' | 'Warning', reason: string, message: string): void
}

/** What cannot be set up is tried again after so long. */
const RETRY = seconds(1)

/** A container of a pod over all its runs: restarts, back-off, probes. */
export class ContainerRunner {
  state: ContainerState = { waiting: { reason: 'PodInitializing' } }
  lastTerminated: Terminated | undefined
  restartCount = 0
  isStarted = false
  isReady = false
  readonly #options: RunnerOptions
  readonly #stopping = new AbortController()
  #container: RunningContainer | undefined
  #life: Promise<void> | undefined
  #isEnding = false

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.container.name
  }
  get running(): RunningContainer | undefined {
    return this.#container
  }
  get terminated(): Terminated | undefined {
    return 'terminated' in this.state ? this.state.terminated : undefined
  }

  /** Resolves when it has ended and is not to be started again. */
  run(): Promise<void> {
    this.#life ??= this.#runs()
    return this.#life
  }

  /** preStop, SIGTERM and, when the grace period is over, SIGKILL. Resolves when nothing of it runs. */
  async stop(grace: Duration): Promise<void> {
    this.#stopping.abort()
    await this.#end(grace)
    await this.#life
  }

  async #runs(): Promise<void> {
    for (let crashes = 0; !this.#isStopping; ) {
      const began = this.#options.clock.now()
      const terminated = await this.#runOnce(began)
      if (this.#isStopping) return
      if (terminated === undefined) {
        await this.#pause(RETRY)
        continue
      }
      const { restart, backoff } = this.#options
      if (restart === 'never' || (restart === 'on-failure' && terminated.exitCode === 0)) return
      // As kubelet: the first restart comes at once.
      const delay = crashes === 0 ? 0 : Math.min(backoff.first * 2 ** (crashes - 1), backoff.longest)
      crashes += 1
      this.lastTerminated = terminated
      if (delay > 0) {
        const message = `back-off ${delay / 1000}s restarting failed container=${this.name}`
        this.#set({ waiting: { reason: 'CrashLoopBackOff', message } })
        this.#options.event('Warning', 'BackOff', message)
        await this.#pause(milliseconds(delay))
        if (this.#isStopping) this.#set({ terminated })
      }
      this.restartCount += 1
    }
  }

  /** @returns undefined when it could not be set up */
  async #runOnce(began: Instant): Promise<Terminated | undefined> {
    const { clock, event, logs, prepare } = this.#options
    try {
      const options = await prepare()
      if (this.#isStopping) return undefined
      this.#container = await startContainer({ ...options, output: (text) => logs.add(text) })
    } catch (error) {
      const { reason, message } = explain(error)
      this.#set({ waiting: { reason, message } })
      event('Warning', 'Failed', `Error: ${message}`)
      return undefined
    }
    const container = this.#container
    if (this.#isStopping) container.signal('SIGKILL')
    this.#set({ running: { startedAt: formatInstant(clock.now()) } })
    event('Normal', 'Started', `Started container ${this.name}`)
    const probing = new AbortController()
    void this.#probe(container, probing.signal)
    const exitCode = await container.exited
    probing.abort()
    this.#container = undefined
    this.isReady = false
    this.isStarted = false
    const terminated: Terminated = {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: formatInstant(began),
      finishedAt: formatInstant(clock.now()),
    }
    this.#set({ terminated })
    return terminated
  }

  async #probe(container: RunningContainer, signal: AbortSignal): Promise<void> {
    const { container: spec, address, clock, event } = this.#options
    const target = { address, container, ports: spec.ports }
    const unhealthy = (kind: string, problem: string) =>
      event('Warning', 'Unhealthy', `${kind} probe failed: ${problem}`)
    const kill = (kind: string) => (problem: string | undefined) => {
      if (problem === undefined || signal.aborted) return
      unhealthy(kind, problem)
      event(
        'Normal',
        'Killing',
        `Container ${spec.name} failed ${kind.toLowerCase()} probe, will be restarted`,
      )
      void this.#end(this.#options.gracePeriod)
    }
    if (spec.startupProbe !== undefined) {
      const startup = new AbortController()
      signal.addEventListener('abort', () => startup.abort())
      const report = (problem: string | undefined) => {
        kill('Startup')(problem)
        startup.abort()
        if (problem === undefined) this.isStarted = true
      }
      await runProbe(spec.startupProbe, target, { clock, signal: startup.signal, report })
    } else this.isStarted = !signal.aborted
    if (signal.aborted || !this.isStarted) return
    const setReady = (isReady: boolean) => {
      this.isReady = isReady && !signal.aborted
      this.#options.changed()
    }
    setReady(spec.readinessProbe === undefined)
    const readiness = (problem: string | undefined) => {
      if (problem !== undefined) unhealthy('Readiness', problem)
      setReady(problem === undefined)
    }
    await Promise.all([
      spec.livenessProbe && runProbe(spec.livenessProbe, target, { clock, signal, report: kill('Liveness') }),
      spec.readinessProbe && runProbe(spec.readinessProbe, target, { clock, signal, report: readiness }),
    ])
  }

  async #end(grace: Duration): Promise<void> {
    const container = this.#container
    if (container === undefined) return
    const cancel = this.#options.clock.after(grace, () => container.signal('SIGKILL'))
    const { preStop } = this.#options.container.lifecycle ?? {}
    const isFirst = !this.#isEnding
    this.#isEnding = true
    if (preStop?.exec !== undefined && grace > 0 && isFirst) await container.exec(preStop.exec.command, grace)
    container.signal('SIGTERM')
    await container.exited
    cancel()
    this.#isEnding = false
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  #pause(delay: Duration): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stopping
      const done = () => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#options.clock.after(delay, done)
      signal.addEventListener('abort', done)
    })
  }

  #set(state: ContainerState): void {
    this.state = state
    this.#options.changed()
  }
}

function explain(error: unknown): { reason: string; message: string } {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ImageMissingError) return { reason: 'ErrImagePull', message }
  if (error instanceof ContainerConfigError) return { reason: 'CreateContainerConfigError', message }
  if (error instanceof ContainerStartError) return { reason: 'CreateContainerError', message }
  return { reason: 'CreateContainerConfigError', message }
}
