import { readFile } from 'node:fs/promises'
import { loadAll } from 'js-yaml'
import { type KubeObject, kubeObjectSchema } from '../../src/api/object.ts'
import { type Resource, VIRTUAL_MACHINES } from '../../src/api/resource.ts'
import { RESOURCES, type World } from '../processes/controller/world.ts'
import { configStatus, poolStatus } from './go-types.ts'

const { pools, networks, vms, configs } = RESOURCES
/** VMs first: what belongs to one names its uid. */
const IN_ORDER: readonly Resource[] = [networks, pools, vms, configs]

/** Puts the objects of a fixture into the API as the old add-on left them, status and all. */
export async function leave(world: World, fixture: string, change = (text: string) => text): Promise<void> {
  const text = change(await readFile(new URL(`fixtures/${fixture}.yaml`, import.meta.url), 'utf8'))
  const objects = loadAll(text).map((object) => kubeObjectSchema.parse(object))
  for (const resource of IN_ORDER) {
    for (const object of objects.filter(({ kind }) => kind === resource.kind))
      await put(world, resource, object)
  }
}

async function put(world: World, resource: Resource, { status, ...object }: KubeObject): Promise<void> {
  const { namespace = 'default', ownerReferences = [] } = object.metadata
  const references = await Promise.all(
    ownerReferences.map(async (reference) => {
      const vm = await world.store.get(VIRTUAL_MACHINES, { namespace, name: reference.name })
      return { ...reference, uid: vm.metadata.uid ?? '' }
    }),
  )
  const metadata = { ...object.metadata, ...(references.length > 0 ? { ownerReferences: references } : {}) }
  const created = await world.create(resource, { ...object, metadata })
  if (status !== undefined) await world.store.update(resource, { ...created, status }, 'status')
}

/** The old add-on reads a pool into its own types, changes the leases, and writes it back. */
export async function oldAddOnWritesPool(
  world: World,
  change: (allocated: Record<string, string>) => void,
): Promise<void> {
  const pool = await world.pool()
  const status = poolStatus.parse(pool.status)
  const { allocated } = status.ipv4
  change(allocated)
  const count = Object.values(allocated).filter((text) => text.includes(':')).length
  const capacity = status.ipv4.used + status.ipv4.available
  const ipv4 = { allocated, used: count, available: capacity - count }
  await world.store.update(pools, { ...pool, status: { ...status, ipv4 } }, 'status')
}

/** It reads a VirtualMachineNetworkConfig into its own types, spells it its own way, and writes it back. */
export async function oldAddOnWritesConfig(world: World, name: string): Promise<void> {
  const config = await world.config(name)
  const networkConfigs = config.spec.networkConfigs ?? config.spec.networkConfig
  const spec = { vmName: config.spec.vmName, networkConfigs }
  const { status, ...rest } = config
  const written = await world.store.update(configs, { ...rest, spec })
  const entries = [...(status?.networkConfig ?? []), ...(status?.networkConfigs ?? [])]
  const kept = configStatus.parse({ ...status, networkConfigs: entries })
  await world.store.update(configs, { ...written, status: kept }, 'status')
}
