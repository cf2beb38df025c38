import * as z from 'zod'
import { isConditionTrue } from '../../../src/api/condition.ts'
import { type IPPool, ipPoolSchema } from '../../../src/api/ippool.ts'
import { networkStatuses, vmNetworkConfigSchema } from '../../../src/api/vm-network-config.ts'
import { eventually, type Patience } from '../../e2e/support/eventually.ts'
import { SYSTEM_NAMESPACE } from './names.ts'

const podSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.looseObject({
    nodeName: z.string().optional(),
    containers: z.array(z.looseObject({ image: z.string() })),
  }),
  status: z.looseObject({
    podIP: z.string().optional(),
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
  }),
})
export type Pod = z.infer<typeof podSchema>

const leaseSchema = z.looseObject({
  spec: z.looseObject({ holderIdentity: z.string().optional(), leaseTransitions: z.number().optional() }),
})

/** What the API server holds, read with kubectl. */
export interface Objects {
  pool(name: string): Promise<IPPool>
  untilServed(pool: string, patience?: Patience): Promise<IPPool>
  /** The addresses of a VirtualMachineNetworkConfig, by MAC. */
  addresses(config: string): Promise<Record<string, string>>
  untilAllocated(config: string, mac: string, patience?: Patience): Promise<string>
  /** Pods of the system namespace, by the component that they are. */
  pods(component: 'controller' | 'agent' | 'webhook' | 'nats'): Promise<Pod[]>
  /** The name of the pod that leads; undefined while nobody does. */
  leader(): Promise<string | undefined>
}

export function createObjects(kubectl: (args: readonly string[]) => Promise<string>): Objects {
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await kubectl(['get', ...args, '-o', 'json']))
  const pool = async (name: string) => ipPoolSchema.parse(await json('ippools.network', name))

  async function addresses(config: string): Promise<Record<string, string>> {
    const statuses = networkStatuses(vmNetworkConfigSchema.parse(await json('vmnetcfg', config)))
    return Object.fromEntries(
      statuses.flatMap(({ macAddress, allocatedIPAddress, state }) =>
        state === 'Allocated' && allocatedIPAddress !== undefined ? [[macAddress, allocatedIPAddress]] : [],
      ),
    )
  }

  return {
    pool,
    addresses,
    untilServed: (name, patience) =>
      eventually(
        `IPPool ${name} to be served`,
        async () => {
          const seen = await pool(name)
          return isConditionTrue(seen.status?.conditions, 'AgentReady') ? seen : undefined
        },
        patience,
      ),
    untilAllocated: (config, mac, patience) =>
      eventually(`an address of ${config}`, async () => (await addresses(config))[mac], patience),
    async pods(component) {
      const selector = `--selector=app.kubernetes.io/component=${component}`
      const list = await json('pods', '-n', SYSTEM_NAMESPACE, selector)
      return z.object({ items: z.array(podSchema) }).parse(list).items
    },
    async leader() {
      const { spec } = leaseSchema.parse(
        await json('lease', 'managed-dhcp-controller', '-n', SYSTEM_NAMESPACE),
      )
      const pods = await this.pods('controller')
      return pods.find(({ metadata }) => spec.holderIdentity?.startsWith(metadata.name))?.metadata.name
    },
  }
}

export function isReady({ status, metadata }: Pod): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  )
}
