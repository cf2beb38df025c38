import { readFileSync } from 'node:fs'
import { loadAll } from 'js-yaml'
import * as z from 'zod'
import { ipPoolSchema } from '../../../src/api/ippool.ts'
import { type KubeObject, kubeObjectSchema } from '../../../src/api/object.ts'
import { configSpec, configStatus, poolSpec, poolStatus } from '../../takeover/go-types.ts'
import { SYSTEM_NAMESPACE } from '../deployed/names.ts'

/** @returns stdout */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>

export const OLD_AGENT_IMAGE = 'rancher/harvester-vm-dhcp-agent:v1.5.0'
export const OLD_AGENT = 'default-net-48-agent'

/** Each VM's MAC address, and the address that it had of the old add-on. */
export const LEASES = {
  lower: ['ca:70:82:e6:84:6e', '192.168.48.84'],
  upper: ['ca:70:82:e6:84:6f', '192.168.48.86'],
  'by-hand': ['ca:70:82:e6:84:70', '192.168.48.88'],
  'test-vm': ['ca:70:82:e6:84:73', '192.168.48.94'],
} as const

/** Objects of a later release (networkConfigs), and a VM of the documentation's (networkConfig), in one pool. */
export function leftBehind(): KubeObject[] {
  const [mac, address] = LEASES['test-vm']
  const later = load('plural').map((object) => {
    if (object.kind !== 'IPPool') return object
    const pool = ipPoolSchema.parse(object)
    const { allocated, used = 0, available = 0 } = pool.status?.ipv4 ?? {}
    const ipv4 = { allocated: { ...allocated, [address]: mac }, used: used + 1, available: available - 1 }
    return { ...pool, status: { ...pool.status, ipv4 } }
  })
  const documented = load('singular', (text) =>
    text.replaceAll(LEASES.lower[0], mac).replaceAll(LEASES.lower[1], address),
  ).filter(({ metadata }) => metadata.name === 'test-vm')
  return [...later, ...documented]
}

function load(fixture: string, change = (text: string) => text): KubeObject[] {
  const text = readFileSync(new URL(`../../takeover/fixtures/${fixture}.yaml`, import.meta.url), 'utf8')
  return loadAll(change(text)).map((object) => kubeObjectSchema.parse(object))
}

/** Puts an object into the API as the old add-on leaves it, status and all. */
export async function put(kubectl: Kubectl, { status, ...object }: KubeObject): Promise<void> {
  const { ownerReferences = [] } = object.metadata
  const references = await Promise.all(
    ownerReferences.map(async (reference) => {
      const uid = await kubectl(['get', 'vm', reference.name, '-o', 'jsonpath={.metadata.uid}'])
      return { ...reference, uid }
    }),
  )
  const metadata = { ...object.metadata, ...(references.length > 0 && { ownerReferences: references }) }
  const text = await kubectl(['create', '-o', 'json', '-f', '-'], JSON.stringify({ ...object, metadata }))
  if (status === undefined) return
  const created = kubeObjectSchema.parse(JSON.parse(text))
  await replaceStatus(kubectl, { ...created, status })
}

/** The pod that the old add-on makes of its own accord: bare, with the labels that agents have today. */
export async function startOldAgent(kubectl: Kubectl): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: OLD_AGENT,
      namespace: SYSTEM_NAMESPACE,
      labels: {
        'network.harvesterhci.io/vm-dhcp-controller': 'agent',
        'network.harvesterhci.io/ippool-namespace': 'default',
        'network.harvesterhci.io/ippool-name': 'net-48',
      },
    },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'agent', image: OLD_AGENT_IMAGE }] },
  }
  await kubectl(['create', '-f', '-'], JSON.stringify(pod))
  await kubectl(['-n', SYSTEM_NAMESPACE, 'wait', '--for=condition=Ready', 'pod', OLD_AGENT, '--timeout=40s'])
}

/** It reads every object into its own types and writes it back, gives an address, and points at its own agent. */
export async function oldAddOnWrites(kubectl: Kubectl, given: Record<string, string>): Promise<void> {
  const uid = await kubectl([
    '-n',
    SYSTEM_NAMESPACE,
    'get',
    'pod',
    OLD_AGENT,
    '-o',
    'jsonpath={.metadata.uid}',
  ])
  const agentPodRef = { namespace: SYSTEM_NAMESPACE, name: OLD_AGENT, image: OLD_AGENT_IMAGE, uid }
  for (const pool of await list(kubectl, 'ippools.network')) {
    const { status, ...rest } = pool
    const known = poolStatus.parse(status)
    const allocated = { ...known.ipv4.allocated, ...given }
    const count = Object.keys(given).length
    const ipv4 = { allocated, used: known.ipv4.used + count, available: known.ipv4.available - count }
    const written = await replace(kubectl, { ...rest, spec: poolSpec.parse(pool.spec) })
    await replaceStatus(kubectl, { ...written, status: { ...known, agentPodRef, ipv4 } })
  }
  for (const { status, ...rest } of await list(kubectl, 'vmnetcfg')) {
    const written = await replace(kubectl, { ...rest, spec: configSpec.parse(rest.spec) })
    if (status !== undefined) await replaceStatus(kubectl, { ...written, status: configStatus.parse(status) })
  }
}

/** Its chart's definition of a kind takes the place of ours: no columns, and any status. */
export async function installOldDefinition(kubectl: Kubectl, name: string): Promise<void> {
  const text = await kubectl(['get', 'crd', name, '-o', 'json'])
  const definition = definitionSchema.parse(JSON.parse(text))
  const versions = definition.spec.versions.map(({ additionalPrinterColumns: _, ...version }) => ({
    ...version,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  }))
  // Helm notes nothing like kubectl's last-applied-configuration.
  const metadata = { ...definition.metadata, annotations: {} }
  const old = { ...definition, metadata, spec: { ...definition.spec, versions } }
  await kubectl(['replace', '--field-manager=helm', '-f', '-'], JSON.stringify(old))
}

const definitionSchema = kubeObjectSchema.extend({
  spec: z.looseObject({
    versions: z.array(z.looseObject({ additionalPrinterColumns: z.unknown().optional() })),
  }),
})

export async function list(kubectl: Kubectl, kind: string): Promise<KubeObject[]> {
  const text = await kubectl(['get', kind, '-n', 'default', '-o', 'json'])
  return z.object({ items: z.array(kubeObjectSchema) }).parse(JSON.parse(text)).items
}

async function replace(kubectl: Kubectl, object: KubeObject): Promise<KubeObject> {
  const text = await kubectl(['replace', '-o', 'json', '-f', '-'], JSON.stringify(object))
  return kubeObjectSchema.parse(JSON.parse(text))
}

async function replaceStatus(kubectl: Kubectl, object: KubeObject): Promise<void> {
  await kubectl(['replace', '--subresource=status', '-f', '-'], JSON.stringify(object))
}
