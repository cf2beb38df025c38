import type { Logger } from 'pino'
import { type AgentReport, poolCommands } from '../../../actors/pool/contracts.ts'
import { requestCommand } from '../../../transports/messages/contract.ts'
import { commandSubject } from '../../../transports/messages/subjects.ts'
import { type IPPool, ipPoolSchema } from '../../api/ippool.ts'
import { IP_POOLS } from '../../api/resource.ts'
import { formatObjectKey, type ObjectKey, parseObjectKey } from '../../api/values/object-key.ts'
import { milliseconds, seconds } from '../../api/values/time.ts'
import { createInformer } from '../../kube/informer.ts'
import { keyOf } from '../../kube/object-cache.ts'
import { createWorkQueue, type WorkResult } from '../../kube/work-queue.ts'
import { type AgentRuntime, type AgentRuntimeOptions, startAgentRuntime } from '../agent/agent-runtime.ts'

export interface AgentManagerOptions extends Omit<AgentRuntimeOptions, 'pool' | 'interfaceName' | 'pod'> {
  /** Network, as "namespace/name", to the interface that it is served on. */
  interfaces: ReadonlyMap<string, string>
  /** Where the agents' pods would be. */
  namespace: string
  log: Logger
}

export interface AgentManager {
  /** Why agents that should serve do not. */
  problems(): string[]
  stop(): Promise<void>
}

const RETRY = seconds(5)

/** In one process, what Deployments and kubelets do on a cluster: an agent for each pool whose network has an interface here. */
export function startAgentManager(options: AgentManagerOptions): AgentManager {
  const { interfaces, namespace, store, transport, clock, random, log } = options
  const agents = new Map<string, { runtime: AgentRuntime; uid: string | undefined; network: string }>()
  const failures = new Map<string, string>()
  const informer = createInformer({ store, resource: IP_POOLS, clock, random, log })

  async function reconcile(name: string): Promise<WorkResult> {
    const key = parseObjectKey(name)
    const pool = ipPoolSchema.safeParse(informer.get(key)).data
    const network = pool === undefined ? undefined : networkOf(pool)
    const agent = agents.get(name)
    const isWanted = pool !== undefined && network !== undefined && !pool.spec.paused && !isRefused(pool)
    if (
      agent !== undefined &&
      (!isWanted || agent.network !== formatObjectKey(network) || agent.uid !== pool.metadata.uid)
    ) {
      agents.delete(name)
      await agent.runtime.stop()
      log.info({ pool: name }, 'agent stopped')
      return { againAfter: milliseconds(0) }
    }
    failures.delete(name)
    if (!isWanted || agent !== undefined) return 'done'

    const interfaceName = interfaces.get(formatObjectKey(network))
    if (interfaceName === undefined) {
      const flag = `--network ${formatObjectKey(network)}=INTERFACE`
      await reportNotServing(key, pool, 'NoInterface', `start standalone with ${flag} to serve this network`)
      return { againAfter: RETRY }
    }
    try {
      const runtime = await startAgentRuntime({
        ...options,
        pool: key,
        interfaceName,
        pod: podOf(key),
      })
      agents.set(name, { runtime, uid: pool.metadata.uid, network: formatObjectKey(network) })
      log.info({ pool: name, network: formatObjectKey(network), interface: interfaceName }, 'agent started')
      return 'done'
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (failures.get(name) !== message) log.error({ pool: name, err: error }, message)
      failures.set(name, message)
      await reportNotServing(key, pool, 'InterfaceUnavailable', message)
      return { againAfter: RETRY }
    }
  }

  function podOf(pool: ObjectKey): AgentReport['pod'] {
    return { namespace, name: `${pool.namespace}-${pool.name}-agent` }
  }

  /** On behalf of an agent that cannot start. */
  async function reportNotServing(
    pool: ObjectKey,
    object: IPPool,
    reason: string,
    message: string,
  ): Promise<void> {
    const report = {
      uid: object.metadata.uid ?? '',
      revision: 0,
      serving: false,
      reason,
      message,
      pod: podOf(pool),
    }
    const once = { clock, id: random.uuid(), timeout: seconds(1), attempts: 1 }
    const subject = commandSubject('pool', pool, 'agent-report')
    await requestCommand(transport, poolCommands.agentReport, subject, report, once).catch((error: unknown) =>
      log.debug({ err: error }, 'the pool actor did not take the report'),
    )
  }

  const queue = createWorkQueue({ process: reconcile, clock, random, log })
  informer.onChange((key) => queue.add(formatObjectKey(key)))
  informer.start()

  return {
    problems: () => [
      ...[...failures.values()],
      ...[...agents.values()].flatMap(({ runtime }) => {
        const { ok, reasons } = runtime.ready()
        return ok ? [] : reasons
      }),
    ],
    async stop() {
      informer.stop()
      await queue.close()
      await Promise.all([...agents.values()].map(({ runtime }) => runtime.stop()))
    },
  }
}

/** Another pool serves the network: two agents would answer its clients with two addresses. */
function isRefused({ status }: IPPool): boolean {
  return (
    status?.conditions?.some(({ type, reason }) => type === 'Registered' && reason === 'NetworkInUse') ??
    false
  )
}

function networkOf(pool: IPPool): ObjectKey | undefined {
  try {
    return parseObjectKey(pool.spec.networkName, keyOf(pool).namespace)
  } catch {
    return undefined
  }
}
