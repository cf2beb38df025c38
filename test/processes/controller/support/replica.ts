import { spawn } from 'node:child_process'
import { builtProgram } from '../../../e2e/support/build.ts'
import { follow, type RunningProgram } from '../../../e2e/support/program.ts'
import { freePort } from '../../../support/nats-server.ts'

/** One controller process, as a Deployment would run it. */
export interface Replica extends RunningProgram {
  readonly name: string
  isLeading(): Promise<boolean>
  /** Writes that it did not send because another leads. */
  refusedWrites(): Promise<number>
  /** 200 or 503; undefined when nobody answers. */
  readiness(): Promise<number | undefined>
  signal(signal: NodeJS.Signals): void
}

export interface ReplicaOptions {
  name: string
  kubeconfig: string
  nats: string
  namespace: string
  environment?: Record<string, string>
  /** More of the command line. */
  flags?: readonly string[]
}

export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { name, kubeconfig, nats, namespace, environment = {}, flags: more = [] } = options
  const health = `127.0.0.1:${await freePort()}`
  const flags = [
    '--kubeconfig',
    kubeconfig,
    '--nats',
    nats,
    '--health',
    health,
    '--namespace',
    namespace,
    ...more,
  ]
  const child = spawn(process.execPath, [builtProgram(), 'controller', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, POD_NAME: name, ...environment },
  })
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  const program = follow(child, name)
  void program.whenEnded.then(() => process.off('exit', atExit))

  async function answer(path: string): Promise<Response | undefined> {
    // A process that is stopped takes the connection and says nothing.
    return fetch(`http://${health}${path}`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined)
  }
  async function metric(metricName: string): Promise<number> {
    const text = await answer('/metrics').then((response) => response?.text())
    return Number(new RegExp(`^managed_dhcp_${metricName} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? 0)
  }
  return {
    ...program,
    name,
    isLeading: async () => (await metric('leader')) === 1,
    refusedWrites: () => metric('writes_refused_total'),
    readiness: async () => (await answer('/readyz'))?.status,
    signal: (signal) => void child.kill(signal),
  }
}
