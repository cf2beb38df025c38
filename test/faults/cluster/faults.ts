import type { Component } from '../../cluster/control-plane/component.ts'
import { PORTS } from '../../cluster/control-plane/layout.ts'
import { containerOf, type Deployment } from '../../cluster/deployed/deployment.ts'
import { isReady, type Pod } from '../../cluster/deployed/objects.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import type { PortCutter } from './port-cutter.ts'

export type FaultKind = 'kill' | 'stop' | 'cut'
export type Victim = 'etcd' | 'apiserver' | 'nats' | 'leader' | 'standby' | 'agent' | 'webhook'

export const FAULT_KINDS: readonly FaultKind[] = ['kill', 'stop', 'cut']
export const VICTIMS: readonly Victim[] = [
  ...(['etcd', 'apiserver', 'nats', 'leader', 'standby', 'agent', 'webhook'] as const),
]

/** What is done to one process, and undone again. */
export interface Fault {
  readonly name: string
  /** Nothing holds it down: it is started again at once. */
  readonly isMomentary: boolean
  strike(): Promise<void>
  /** Resolves when nothing is in the way of its recovery any more. */
  end(): Promise<void>
}

export interface FaultTools {
  readonly system: Deployment
  readonly cutter: PortCutter
}

/** Finds the victim as it runs now: who leads, which pod serves. `kill` is SIGKILL, `stop` SIGSTOP and later SIGCONT. */
export async function faultOn(victim: Victim, kind: FaultKind, tools: FaultTools): Promise<Fault> {
  const name = `${kind} ${victim}`
  const { etcd, apiServer } = tools.system.controlPlane
  if (victim === 'etcd') return onComponent(name, kind, etcd, PORTS.etcd, tools.cutter)
  if (victim === 'apiserver') return onComponent(name, kind, apiServer, PORTS.apiServer, tools.cutter)
  return onPod(name, kind, await podOf(victim, tools.system), containerName(victim), tools.system)
}

const HOLD_MS = 3_000

/** How long a victim is held down. Another leader takes over only from one that is away for long enough. */
export function holdOf(victim: Victim, kind: FaultKind): number | 'until-served' {
  return victim === 'leader' && kind !== 'kill' ? 'until-served' : HOLD_MS
}

function onComponent(
  name: string,
  kind: FaultKind,
  component: Component,
  port: number,
  cutter: PortCutter,
): Fault {
  const isMomentary = kind === 'kill'
  if (kind === 'cut')
    return { name, isMomentary, strike: () => cutter.cut(port), end: () => cutter.mend(port) }
  if (kind === 'stop') {
    return {
      name,
      isMomentary,
      strike: () => component.kill('SIGSTOP'),
      end: () => component.kill('SIGCONT'),
    }
  }
  return {
    name,
    isMomentary,
    strike: () => component.kill('SIGKILL'),
    async end() {
      component.start()
      await component.whenReady()
    },
  }
}

function onPod(name: string, kind: FaultKind, pod: Pod, container: string, system: Deployment): Fault {
  const isMomentary = kind === 'kill'
  if (kind === 'cut') {
    const address = pod.status.podIP ?? ''
    return {
      name,
      isMomentary,
      strike: () => system.kubelets.setConnected(address, false),
      end: () => system.kubelets.setConnected(address, true),
    }
  }
  const { pid } = containerOf(system, pod.metadata.name, container)
  return {
    name,
    isMomentary,
    strike: async () => signal(pid, kind === 'kill' ? 'SIGKILL' : 'SIGSTOP'),
    end: async () => {
      if (kind === 'stop') signal(pid, 'SIGCONT')
    },
  }
}

/** A kubelet may have ended what did not answer its probes. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const containerName = (victim: Victim): string =>
  victim === 'leader' || victim === 'standby' ? 'controller' : victim

async function podOf(victim: Victim, { objects }: Deployment): Promise<Pod> {
  return eventually(`the ${victim}`, async () => {
    if (victim === 'nats' || victim === 'agent' || victim === 'webhook') {
      return (await objects.pods(victim)).find(isReady)
    }
    const leader = await objects.leader()
    if (leader === undefined) return undefined
    const isLeader = ({ metadata }: Pod) => metadata.name === leader
    const controllers = (await objects.pods('controller')).filter(isReady)
    return controllers.find((pod) => isLeader(pod) === (victim === 'leader'))
  })
}
