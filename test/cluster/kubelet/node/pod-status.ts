import type { Pod, PodCondition, PodHead, PodStatus } from '../spec/pod-schema.ts'
import type { ContainerState, Terminated } from './container-runner.ts'

/** What is known of a container, a runner for example. */
export interface ContainerView {
  readonly name: string
  readonly state: ContainerState
  readonly lastTerminated: Terminated | undefined
  readonly restartCount: number
  readonly isStarted: boolean
  readonly isReady: boolean
}

export interface PodView {
  readonly hostAddress: string
  readonly startTime: string
  /** Of the sandbox; undefined until it has one. */
  readonly address: string | undefined
  readonly initContainers: readonly ContainerView[]
  readonly containers: readonly ContainerView[]
  readonly isInitialized: boolean
  /** Every container has ended for good. */
  readonly isOver: boolean
  readonly now: string
}

/**
 * The status of a pod as kubelet reports it, where the API server has `present`. Conditions of others (PodScheduled,
 * DisruptionTarget) stay, and so does the end, whoever declared it.
 */
export function podStatus(pod: Pod, view: PodView, present: PodHead): PodStatus {
  const known = present.status.conditions ?? []
  const phase = declaredEnd(present) ?? phaseOf(pod, view)
  const status = {
    phase,
    hostIP: view.hostAddress,
    hostIPs: [{ ip: view.hostAddress }],
    startTime: view.startTime,
    conditions: conditionsOf(pod, view, phase, known),
    initContainerStatuses: statuses(pod.spec.initContainers, view.initContainers, phase),
    containerStatuses: statuses(pod.spec.containers, view.containers, phase),
  }
  if (view.address === undefined) return status
  return { ...status, podIP: view.address, podIPs: [{ ip: view.address }] }
}

/** A pod that the emulated kubelet does not carry out: it stays Pending, and says why. */
export function refusedStatus(pod: PodHead, reason: string, message: string): PodStatus {
  return { phase: 'Pending', reason, message, conditions: pod.status.conditions ?? [] }
}

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

function declaredEnd({ status: { phase } }: PodHead): Phase | undefined {
  return phase === 'Succeeded' || phase === 'Failed' ? phase : undefined
}

function phaseOf(pod: Pod, view: PodView): Phase {
  if (view.isOver) {
    const failedInit = view.initContainers.some((one) => exitCodeOf(one) > 0) && !view.isInitialized
    const hasFailed =
      failedInit || view.containers.some((one) => !('terminated' in one.state) || exitCodeOf(one) > 0)
    return hasFailed ? 'Failed' : 'Succeeded'
  }
  const begun = view.containers.filter((one) => one.lastTerminated !== undefined || !('waiting' in one.state))
  return begun.length === pod.spec.containers.length ? 'Running' : 'Pending'
}

function exitCodeOf({ state }: ContainerView): number {
  return 'terminated' in state ? state.terminated.exitCode : 0
}

function conditionsOf(pod: Pod, view: PodView, phase: Phase, known: readonly PodCondition[]): PodCondition[] {
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  const sidecars = view.initContainers.filter((one) => isSidecar(pod, one.name))
  const unready = [...sidecars, ...view.containers].filter((one) => !one.isReady).map((one) => one.name)
  const areReady = view.isInitialized && !isOver && unready.length === 0 && view.containers.length > 0
  const why = areReady
    ? {}
    : isOver
      ? { reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
      : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
  const own = [
    condition('PodReadyToStartContainers', view.address !== undefined && !isOver, {}),
    condition(
      'Initialized',
      view.isInitialized,
      view.isInitialized ? {} : { reason: 'ContainersNotInitialized' },
    ),
    condition('ContainersReady', areReady, why),
    condition('Ready', areReady, why),
  ]
  const mine = new Map(
    own.map((one) => [one.type, { ...one, lastTransitionTime: transition(one, known, view.now) }]),
  )
  const added = own.filter((one) => known.every(({ type }) => type !== one.type))
  return [...known, ...added].map((one) => mine.get(one.type) ?? one)
}

function condition(type: string, isTrue: boolean, why: { reason?: string; message?: string }): PodCondition {
  return { type, status: isTrue ? 'True' : 'False', lastProbeTime: null, ...why }
}

function transition({ type, status }: PodCondition, known: readonly PodCondition[], now: string): unknown {
  const before = known.find((one) => one.type === type)
  return before?.status === status ? before.lastTransitionTime : now
}

function isSidecar(pod: Pod, name: string): boolean {
  return pod.spec.initContainers.some((one) => one.name === name && one.restartPolicy === 'Always')
}

function statuses(
  specs: Pod['spec']['containers'],
  views: readonly ContainerView[],
  phase: Phase,
): unknown[] {
  return specs.map(({ name, image }) => {
    const view = views.find((one) => one.name === name)
    const isInitDone = view !== undefined && exitCodeOf(view) === 0 && 'terminated' in view.state
    return {
      name,
      image,
      imageID: view === undefined ? '' : `emulated://${image}`,
      restartCount: view?.restartCount ?? 0,
      started: view?.isStarted ?? false,
      ready: view?.isReady || (isInitDone && phase !== 'Failed' && phase !== 'Succeeded') || false,
      state: view?.state ?? { waiting: { reason: 'ContainerCreating' } },
      lastState: view?.lastTerminated === undefined ? {} : { terminated: view.lastTerminated },
    }
  })
}
